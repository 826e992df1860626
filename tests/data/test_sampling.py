"""Drawing windows afresh in each epoch, and clips of all classes equally often."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emorec.data.sampler import FILLER, ClipSampler
from emorec.errors import DataError
from emorec.types import Values
from emorec.windows import RandomWindows
from tests.helpers.toy import ToyData


def dealt(
    clips: list[list[int]], ranks: int = 1, epoch: int = 0, **options: Any
) -> list[list[int]]:
    samplers = [ClipSampler(clips, ranks, rank, seed=5, **options) for rank in range(ranks)]
    for sampler in samplers:
        sampler.set_epoch(epoch)
    hands = [list(sampler) for sampler in samplers]
    assert all(len(hand) == len(sampler) for hand, sampler in zip(hands, samplers, strict=True))
    return hands


def consecutive(sizes: list[int]) -> list[list[int]]:
    ends = torch.tensor(sizes).cumsum(0).tolist()
    return [list(range(end - size, end)) for end, size in zip(ends, sizes, strict=True)]


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=12),
    count=st.integers(1, 5),
    ranks=st.integers(1, 3),
)
def test_each_epoch_has_some_windows_of_every_clip(
    sizes: list[int], count: int, ranks: int
) -> None:
    clips = consecutive(sizes)
    hands = dealt(clips, ranks, count=count)
    seen = [i for hand in hands for i in hand if i != FILLER]
    assert len(seen) == len(set(seen))
    for own in clips:
        assert len(set(own) & set(seen)) == min(count, len(own))
    assert sum(hand.count(FILLER) for hand in hands) < ranks


def test_other_epochs_draw_other_windows_and_a_resumed_one_the_same() -> None:
    clips = consecutive([20] * 6)
    epochs = [set(dealt(clips, epoch=epoch, count=1)[0]) for epoch in range(40)]
    assert len(set.union(*epochs)) > 90  # of 120, where chance gives 103
    assert epochs[7] == set(dealt(clips, epoch=7, count=1)[0])


@given(
    classes=st.lists(st.sampled_from([0, 0, 0, 0, 1, 2, None]), min_size=4, max_size=40),
    epoch=st.integers(0, 5),
    ranks=st.integers(1, 3),
)
def test_classes_are_dealt_equally_often_and_unlabelled_clips_once(
    classes: list[int | None], epoch: int, ranks: int
) -> None:
    clips = [[number] for number in range(len(classes))]
    hands = dealt(clips, ranks, epoch, classes=classes)
    seen = [classes[i] for hand in hands for i in hand if i != FILLER]
    known = {own for own in classes if own is not None}
    assert len({seen.count(own) for own in known}) <= 1
    assert seen.count(None) == classes.count(None)
    labelled = len(classes) - classes.count(None)
    assert labelled <= len(seen) - seen.count(None) < labelled + max(1, len(known))


def test_no_clip_of_a_small_class_is_dealt_twice_more_than_another() -> None:
    classes = [0] * 50 + [1] * 3
    (hand,) = dealt([[i] for i in range(53)], classes=classes)
    counts = torch.bincount(torch.tensor(hand), minlength=53)
    assert counts[:50].max() == 1
    assert counts[50:].min() >= 9 > 1  # 27 draws of 3 clips


def test_balanced_epochs_of_clips_of_unequal_length_have_one_length() -> None:
    clips = consecutive([1, 9, 2, 8, 3, 7])
    classes = [0, 0, 0, 0, 0, 1]
    lengths = {len(dealt(clips, epoch=epoch, classes=classes)[0]) for epoch in range(9)}
    assert len(lengths) == 1


def test_an_epoch_may_have_any_number_of_batches() -> None:
    sampler = ClipSampler(consecutive([5] * 4), 1, 0, count=1, seed=0)
    sampler.draw(30)
    assert len(list(sampler)) == len(sampler) == 30


def balanced(folder: Path, **options: Any) -> ToyData:
    data = ToyData(folder, **{"sampling": "balanced", **options})
    data.prepare_data()
    data.setup("fit")
    return data


def test_a_data_set_deals_balanced_batches_with_equal_weights(tmp_path: Path) -> None:
    data = balanced(tmp_path, exclude=["clip00", "clip03", "clip06", "clip09"])
    plain = ToyData(tmp_path, exclude=data.exclude)
    plain.setup("fit")
    assert len(set(plain.class_counts()["emotion"].tolist())) > 1
    assert data.class_counts()["emotion"].tolist() == [1, 1, 1]
    seen: list[int] = []
    for batch in data.train_dataloader():
        seen += batch.targets["emotion"][batch.labelled["emotion"]].tolist()
    counts = torch.bincount(torch.tensor(seen)).tolist()
    assert max(counts) - min(counts) <= 2  # windows: the first clip lacks one
    every = [i for batch in data.val_dataloader() for i in batch.clip.tolist()]
    assert len(every) == len(data.parts["val"])


def test_fresh_windows_are_for_training_only(tmp_path: Path) -> None:
    data = ToyData(tmp_path)
    data.windows = RandomWindows(count=1, fresh=True)
    data.prepare_data()
    data.setup("fit")
    loader = data.train_dataloader()
    clips = torch.cat([batch.clip for batch in loader])
    assert sorted(clips.tolist()) == sorted(data.parts["train"].ids)
    tested = torch.cat([batch.clip for batch in data.test_dataloader()])
    assert len(tested) == len(data.parts["test"])


def test_fresh_windows_cannot_be_half_labelled(tmp_path: Path) -> None:
    data = ToyData(tmp_path, sampling="half_labelled")
    data.windows = RandomWindows(fresh=True)
    data.prepare_data()
    data.setup("fit")
    with pytest.raises(DataError, match=r"cannot be combined with data\.windows\.fresh: true"):
        data.train_dataloader()


def test_values_cannot_be_balanced(tmp_path: Path) -> None:
    data = balanced(tmp_path)
    data.parts["train"].targets = {"affect": Values(["arousal"])}
    with pytest.raises(DataError, match="needs one target with classes; of affect, 0 have"):
        data.train_dataloader()
