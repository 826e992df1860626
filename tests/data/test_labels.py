"""Which training clips keep their labels, and that the others still take part."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.data.labels import keep_labels, keep_unlabelled
from emorec.errors import DataError
from emorec.types import Clip
from tests.helpers.toy import CLASSES, ToyData

SHARES = st.floats(0, 1)


def clips(count: int) -> list[Clip]:
    return [
        Clip(f"c{i}", Path(f"{i}.mp4"), {"emotion": i % 3} if i % 7 else {}) for i in range(count)
    ]


@given(share=SHARES, seed=st.integers(0, 99), order=st.permutations(range(60)))
def test_each_class_keeps_its_share_and_at_least_one(
    share: float, seed: int, order: list[int]
) -> None:
    listed = clips(60)
    kept = keep_labels(listed, share, seed)
    assert kept == keep_labels([listed[i] for i in order], share, seed)
    classes = Counter(c.labels["emotion"] for c in listed if c.labels)
    found = Counter(c.labels["emotion"] for c in listed if c.id in kept)
    for name, count in classes.items():
        assert found[name] == (max(1, round(share * count)) if share > 0 else 0)


@given(one=SHARES, other=SHARES)
def test_a_smaller_share_is_a_part_of_a_larger_one(one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert keep_labels(clips(60), small, 5) <= keep_labels(clips(60), large, 5)


def test_all_and_none() -> None:
    listed = clips(60)
    assert keep_labels(listed, 1.0, 0) == {c.id for c in listed if c.labels}
    assert keep_labels(listed, 0.0, 0) == set()
    draws = {frozenset(keep_labels(listed, 0.5, seed)) for seed in range(8)}
    assert len(draws) == 8


def test_clips_without_a_label_can_be_left_out_of_training(tmp_path: Path) -> None:
    sizes = {}
    for only in (False, True):
        data = ToyData(tmp_path, labelled_share=0.5, labelled_only=only)
        data.prepare_data()
        data.setup()
        sizes[only] = {part: len(dataset.ids) for part, dataset in data.parts.items()}
        if only:
            assert all(b.labelled["emotion"][b.clip >= 0].all() for b in data.train_dataloader())
    assert 0 < sizes[True]["train"] < sizes[False]["train"]
    assert all(sizes[True][part] == sizes[False][part] for part in ("val", "test"))


def test_hidden_labels_are_of_training_clips_only_and_their_segments_stay(tmp_path: Path) -> None:
    found = {}
    for share in (1.0, 0.2):
        data = ToyData(tmp_path, labelled_share=share)
        data.prepare_data()
        data.setup()
        found[share] = data
    few, full = found[0.2], found[1.0]
    assert few.part_of_clip == full.part_of_clip
    for part in ("val", "test"):
        assert few.parts[part].labels == full.parts[part].labels
    assert few.parts["train"].items == full.parts["train"].items
    labelled = [labels for labels in few.parts["train"].labels.values() if labels]
    assert len(labelled) == 3  # one of each class of five or six
    batches = list(few.train_dataloader())
    rows = sum(int(batch.labelled["emotion"].sum()) for batch in batches)
    assert 0 < rows <= 3 * 3 < sum(len(batch) for batch in batches)


def test_a_number_of_labels_of_each_class_stays(tmp_path: Path) -> None:
    listed = clips(60)
    one, three = (keep_labels(listed, 1.0, 4, most) for most in (1, 3))
    of = {clip.id: clip.labels["emotion"] for clip in listed if clip.labels}
    assert one < three
    assert Counter(of[clip] for clip in three) == dict.fromkeys(set(of.values()), 3)
    assert keep_labels(listed, 1.0, 4, 10**6) == set(of)
    assert keep_labels(listed, 1.0, 4, 0) == set()
    data = ToyData(tmp_path, labels_per_class=2)
    data.prepare_data()
    data.setup()
    left = Counter(each["emotion"] for each in data.parts["train"].labels.values() if each)
    assert set(left.values()) == {2}
    assert all(each for each in data.parts["val"].labels.values())
    with pytest.raises(DataError, match="labels_per_class is -1"):
        ToyData(tmp_path, labels_per_class=-1)


def test_some_classes_keep_fewer_labels(tmp_path: Path) -> None:
    data = ToyData(tmp_path, clips=40, labels_per_class={CLASSES[1]: 2})
    data.prepare_data()
    data.setup()
    left = Counter(each["emotion"] for each in data.parts["train"].labels.values() if each)
    assert left[1] == 2
    assert min(left[0], left[2]) > 5
    with pytest.raises(DataError, match="at least 0"):
        ToyData(tmp_path, labels_per_class={CLASSES[1]: -1})
    other = ToyData(tmp_path, labels_per_class={"bored": 2})
    other.prepare_data()
    with pytest.raises(DataError, match="names 'bored'; the classes are"):
        other.setup()


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_outside_of_0_to_1_is_refused(share: float, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"labelled_share is .* from 0 to 1"):
        ToyData(tmp_path, labelled_share=share)


def test_a_share_of_unlabelled_clips_stays() -> None:
    clips = [Clip(f"c{i}", Path("x"), {"emotion": 0} if i % 4 == 0 else {}) for i in range(40)]
    labelled = {clip.id for clip in clips if clip.labels}
    kept = {share: keep_unlabelled(clips, share, 3) for share in (0.0, 0.2, 0.5, 1.0)}
    assert kept[0.0] == labelled
    assert kept[1.0] == {clip.id for clip in clips}
    assert len(kept[0.2] - labelled) == 6
    assert kept[0.2] < kept[0.5]
    assert keep_unlabelled(clips[::-1], 0.2, 3) == kept[0.2] != keep_unlabelled(clips, 0.2, 4)


def test_losing_a_clip_does_not_change_which_others_keep_their_labels() -> None:
    listed = clips(521)
    for draw, least in ((keep_labels, 0.98), (keep_unlabelled, 0.98)):
        whole = draw(listed, 0.2, 0)
        fewer = draw(listed[:100] + listed[101:], 0.2, 0)
        assert len(whole & fewer) >= least * len(whole)
