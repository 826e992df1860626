"""Folds by speaker and by text: disjoint speakers, each tested once, and what is refused."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emorec.data.splits.folds import (
    Folds,
    fold_count,
    held_out_text,
    leave_speakers_out,
    split_clips,
)
from emorec.data.splits.parts import PARTS, SplitError
from emorec.data.splits.published import published_folds
from emorec.types import Clip

PUBLISHED = {"ravdess_hicmae": 6, "ravdess_luna_jimenez": 5, "ravdess_emobox": 6}


def actors(count: int = 24, classes: int = 2, texts: int = 5, own_texts: bool = True) -> list[Clip]:
    """Return a clip for each actor, class and text; texts are a class's own or common to all."""
    return [
        Clip(
            f"{actor}-{label}-{text}",
            Path("a.mp4"),
            {"emotion": label},
            group=f"actor_{actor:02}",
            text=f"{label if own_texts else ''}-{text}",
        )
        for actor in range(1, count + 1)
        for label in range(classes)
        for text in range(texts)
    ]


def speakers(clips: list[Clip], parts: dict[str, str]) -> dict[str, set[str]]:
    found = defaultdict(set)
    for clip in clips:
        if clip.id in parts:
            found[parts[clip.id]].add(clip.group)
    return found


@settings(max_examples=40)
@given(count=st.integers(3, 30), data=st.data(), seed=st.integers(0, 99))
def test_each_speaker_is_tested_once_and_is_in_one_part_of_a_fold(
    count: int, data: st.DataObject, seed: int
) -> None:
    clips = actors(count, 1, 1)
    folds: Folds = data.draw(st.one_of(st.integers(3, count), st.just("speakers")))
    tested: Counter[str] = Counter()
    for fold in range(1, fold_count(clips, folds) + 1):
        parts = leave_speakers_out(clips, seed, fold, folds)
        assert set(parts) == {clip.id for clip in clips}
        found = speakers(clips, dict(parts))
        assert set(found) == set(PARTS)
        assert sum(map(len, found.values())) == count
        tested.update(found["test"])
    assert tested == Counter(clip.group for clip in clips)


def test_folds_are_of_nearly_equal_size_and_another_seed_is_another_division() -> None:
    clips = actors(24, 1, 1)
    sizes = [
        len(speakers(clips, dict(leave_speakers_out(clips, 0, f, 5)))["test"]) for f in range(1, 6)
    ]
    assert sorted(sizes) == [4, 5, 5, 5, 5]
    assert len({tuple(leave_speakers_out(clips, s, 1, 5).items()) for s in range(6)}) > 3
    reversed_order = list(reversed(clips))
    assert leave_speakers_out(clips, 0, 2, 5) == leave_speakers_out(reversed_order, 0, 2, 5)


@pytest.mark.parametrize(("name", "count"), PUBLISHED.items())
def test_published_folds_test_each_actor_once_and_validate_on_others(name: str, count: int) -> None:
    clips = actors(24, 1, 1)
    assert fold_count(clips, name) == count
    lists = published_folds(name)
    for kind in ("test", "validation"):
        every = [actor for fold in lists[kind] for actor in fold]
        assert sorted(every) == sorted({clip.group for clip in clips})
    for fold in range(1, count + 1):
        found = speakers(clips, dict(leave_speakers_out(clips, 0, fold, name)))
        assert found["test"] == set(lists["test"][fold - 1])
        assert found["val"] == set(lists["validation"][fold - 1])
        assert not found["test"] & found["val"]


def test_a_published_fold_without_its_actors_is_refused() -> None:
    with pytest.raises(SplitError, match="fold 6 of ravdess_hicmae: no clip for test"):
        leave_speakers_out(actors(20), 0, 6, "ravdess_hicmae")


def test_own_lists_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("test: [[actor_01], [actor_02]]\nvalidation: [[actor_02], [actor_03]]\n")
    found = speakers(actors(5), dict(leave_speakers_out(actors(5), 0, 2, str(path))))
    assert found["test"] == {"actor_02"}
    assert found["val"] == {"actor_03"}
    path.write_text("test: [[actor_01], [actor_O2]]\nvalidation: [[actor_02], [actor_03]]\n")
    with pytest.raises(SplitError, match="names 'actor_O2', who is no speaker of this set"):
        leave_speakers_out(actors(5), 0, 1, str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("test: [[a], [b]]\nvalidation: [[b], [b]]\n", "b is in two parts"),
        ("test: [[a], [a]]\nvalidation: [[b], [b]]\n", "a speaker is tested in several folds"),
        ("test: [[a], [b]]\n", "expected test and validation"),
        ("test: [[a]]\nvalidation: [[b], [a]]\n", "expected test and validation"),
        ("- a\n", "expected test and validation"),
        ("", "expected test and validation"),
    ],
)
def test_a_list_that_makes_no_folds_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(SplitError, match=message):
        published_folds(str(path))


@pytest.mark.parametrize(
    ("fold", "folds", "message"),
    [
        (0, 5, "fold is 0; it must be from 1 to 5"),
        (6, 5, "fold is 6; it must be from 1 to 5"),
        (1, 2, "must be 3 folds or more"),
        (1, 9, "9 folds of 6 speaker"),
        (1, "hicmae", r"folds is 'hicmae'.*ravdess_hicmae"),
    ],
)
def test_impossible_folds_are_refused(fold: int, folds: Folds, message: str) -> None:
    with pytest.raises(SplitError, match=message):
        leave_speakers_out(actors(6), 0, fold, folds)


def test_a_clip_without_a_speaker_is_named() -> None:
    with pytest.raises(SplitError, match="clip 'x' has no speaker"):
        leave_speakers_out([*actors(6), Clip("x", Path("x.mp4"))], 0, 1, 3)


@pytest.mark.parametrize("own_texts", [True, False])
def test_neither_text_nor_speaker_of_a_test_clip_is_in_training(own_texts: bool) -> None:
    clips = actors(12, own_texts=own_texts)
    parts = held_out_text(clips, 0, 1, 4)
    texts = defaultdict(set)
    for clip in clips:
        if clip.id in parts:
            texts[parts[clip.id]].add(clip.text)
    assert not texts["test"] & (texts["train"] | texts["val"])
    assert len(texts["test"]) == (4 if own_texts else 2)  # 2 of 5 a class
    found = speakers(clips, dict(parts))
    assert sum(map(len, found.values())) == 12
    # A test speaker's other texts, and others' test texts, are in no part.
    assert len(parts) == 3 * 2 * 2 + 9 * 2 * 3


def test_two_statements_are_one_for_training_and_one_for_testing() -> None:
    parts = held_out_text(actors(6, texts=2, own_texts=False), 0, 1, 3)
    assert {name.split("-")[2] for name, part in parts.items() if part == "test"} == {"1"}
    assert {name.split("-")[2] for name, part in parts.items() if part != "test"} == {"0"}


def test_a_clip_without_a_text_and_a_class_of_one_text_are_refused() -> None:
    with pytest.raises(SplitError, match="clip 'x' has no text"):
        held_out_text([*actors(6), Clip("x", Path("x.mp4"), group="actor_01")], 0, 1, 3)
    with pytest.raises(SplitError, match="too few texts"):
        held_out_text(actors(6, texts=1), 0, 1, 3)


def test_splits_are_found_by_name() -> None:
    clips = actors(6)
    assert split_clips(clips, "leave_speakers_out", 3, 2, 3) == leave_speakers_out(clips, 3, 2, 3)
    assert split_clips(clips, "held_out_text", 3, 2, 3) == held_out_text(clips, 3, 2, 3)
    assert split_clips(clips, "subject_independent", 3, 2, 3) != split_clips(
        clips, "random_clip", 3, 2, 3
    )
