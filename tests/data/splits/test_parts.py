"""Splits: sizes, disjointness, and what cannot be split."""

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.data import random_clip, subject_independent
from emorec.data.splits.parts import PARTS, SplitError, official
from emorec.types import Clip

SEEDS = st.integers(0, 2**32)


def clips(count: int, speakers: int = 0, split: str | None = None) -> list[Clip]:
    return [
        Clip(
            f"c{i}",
            Path(f"{i}.mp4"),
            {"emotion": i % 6},
            group=f"s{i % speakers}" if speakers else "",
            split=split,
        )
        for i in range(count)
    ]


@given(count=st.integers(4, 2000), seed=SEEDS)
def test_T8_each_clip_is_in_one_part_and_test_has_15_percent_rounded_up(
    count: int, seed: int
) -> None:
    parts = random_clip(clips(count), seed)
    assert set(parts) == {f"c{i}" for i in range(count)}
    sizes = {part: list(parts.values()).count(part) for part in PARTS}
    size = -(-15 * count // 100)  # ceil(0.15 N), in whole numbers
    assert sizes == {"train": count - 2 * size, "val": size, "test": size}


@pytest.mark.parametrize(("count", "test"), [(1287, 194), (521, 79), (1152, 173)])
def test_T8_the_papers_sets_have_the_test_sizes_of_its_accuracies(count: int, test: int) -> None:
    assert list(random_clip(clips(count), 0).values()).count("test") == test


@given(seed=SEEDS, order=st.permutations(range(30)))
def test_the_order_of_the_clips_does_not_matter(seed: int, order: list[int]) -> None:
    listed = clips(30, speakers=6)
    shuffled = [listed[i] for i in order]
    assert random_clip(listed, seed) == random_clip(shuffled, seed)
    assert subject_independent(listed, seed) == subject_independent(shuffled, seed)


def test_another_seed_is_another_split() -> None:
    for split in (random_clip, subject_independent):
        assert len({tuple(split(clips(60, speakers=12), seed).items()) for seed in range(8)}) > 4


def test_a_random_split_draws_from_all_clips() -> None:
    tested = {
        name
        for seed in range(60)
        for name, part in random_clip(clips(20), seed).items()
        if part == "test"
    }
    assert len(tested) == 20


def test_losing_a_clip_hardly_changes_the_parts_of_the_others() -> None:
    """521 clips as of BAUM-1s: 79 are tested; an order of all ids kept 25 to 37 of them."""
    listed = clips(521)
    for seed in range(5):
        whole = random_clip(listed, seed)
        tested = {name for name, part in whole.items() if part == "test"}
        for lost in (0, 100, 520):
            fewer = random_clip(listed[:lost] + listed[lost + 1 :], seed)
            again = {name for name, part in fewer.items() if part == "test"}
            assert len(tested & again) >= 75


@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=8).filter(lambda s: sum(s) >= 4),
    seed=SEEDS,
)
def test_a_random_split_is_alike_in_all_classes(sizes: list[int], seed: int) -> None:
    listed = [
        Clip(f"{label}-{i}", Path("a.mp4"), {"emotion": label})
        for label, size in enumerate(sizes)
        for i in range(size)
    ]
    parts = random_clip(listed, seed)
    wanted = -(-15 * len(listed) // 100)
    for part in ("test", "val"):
        assert list(parts.values()).count(part) == wanted
    for label, size in enumerate(sizes):
        tested = sum(parts[f"{label}-{i}"] == "test" for i in range(size))
        assert abs(tested - wanted * size / len(listed)) < 1 + 1e-6


@given(groups=st.lists(st.integers(0, 9), min_size=3, max_size=150), seed=SEEDS)
def test_no_speaker_is_in_two_parts(groups: list[int], seed: int) -> None:
    listed = [Clip(str(i), Path("a.mp4"), group=str(group)) for i, group in enumerate(groups)]
    if len(set(groups)) < 3:
        with pytest.raises(SplitError, match="3 are needed"):
            subject_independent(listed, seed)
        return
    parts = subject_independent(listed, seed)
    assert set(parts) == {clip.id for clip in listed}
    of_group = defaultdict(set)
    for clip in listed:
        of_group[clip.group].add(parts[clip.id])
    assert all(len(found) == 1 for found in of_group.values())
    assert set(parts.values()) == set(PARTS)


def test_speakers_of_one_size_give_parts_of_about_their_share() -> None:
    parts = subject_independent(clips(240, speakers=24), 5)
    sizes = {part: list(parts.values()).count(part) for part in PARTS}
    assert sizes == {
        "train": 160,
        "val": 40,
        "test": 40,
    }  # 4 of 24 speakers are the first above 15 %


def test_a_clip_without_a_speaker_is_named() -> None:
    with pytest.raises(SplitError, match=r"clip 'c0' has no speaker.*random_clip"):
        subject_independent(clips(9), 0)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_clips_are_refused(count: int) -> None:
    with pytest.raises(SplitError, match=rf"{count} labelled clip\(s\) are too few"):
        random_clip(clips(count), 0)


def test_three_clips_are_one_of_each_part() -> None:
    assert sorted(random_clip(clips(3), 0).values()) == sorted(PARTS)


def test_an_official_split_is_taken_as_it_is() -> None:
    listed = [*clips(3, split="train"), Clip("v", Path("v"), split="val")]
    listed.append(Clip("t", Path("t"), split="test"))
    expected = {"c0": "train", "c1": "train", "c2": "train", "v": "val", "t": "test"}
    assert official(listed) == expected


@pytest.mark.parametrize("split", [None, "dev"])
def test_an_unknown_official_part_is_named(split: str | None) -> None:
    with pytest.raises(SplitError, match=rf"clip 'c0' has split {split!r}.*train, val, test"):
        official(clips(3, split=split))


def test_an_empty_official_part_is_named() -> None:
    with pytest.raises(SplitError, match="no clip is marked val or test"):
        official(clips(3, split="train"))


def test_unlabelled_clips_are_for_training_and_do_not_count() -> None:
    bare = [Clip(f"u{i}", Path(f"u{i}.mp4")) for i in range(50)]
    parts = random_clip([*clips(20), *bare], seed=1)
    assert {parts[clip.id] for clip in bare} == {"train"}
    assert {clip.id: parts[clip.id] for clip in clips(20)} == random_clip(clips(20), seed=1)
