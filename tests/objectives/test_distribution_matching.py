"""MMD as an objective: pairs, sources, unpaired sets."""

from dataclasses import replace

import pytest
import torch

from emorec.errors import UserError
from emorec.functional import mmd
from emorec.objectives import MMD
from emorec.testing import toy_batch, toy_bundle
from emorec.types import SegmentBatch, Sizes

SIZES = Sizes({"audio": 5, "face": 5, "text": 5, "fused": 4}, {"emotion": 4})
BLANK = {name: torch.zeros(24, 1) for name in ("audio", "face", "text")}
BATCH = toy_batch(BLANK, classes=4)
BUNDLE = toy_bundle(SIZES, BATCH)
PAIRS = [("audio", "face"), ("audio", "text"), ("face", "text")]


def both(a: str, b: str, where: torch.Tensor) -> torch.Tensor:
    rows = BUNDLE.present[a] & BUNDLE.present[b] & where
    return mmd(BUNDLE.features[a][rows], BUNDLE.features[b][rows])


def test_it_is_the_sum_over_pairs_of_rows_where_both_are_present() -> None:
    everywhere = torch.ones(24, dtype=torch.bool)
    wanted = sum(both(a, b, everywhere) for a, b in PAIRS)
    torch.testing.assert_close(MMD(SIZES)(BUNDLE, BATCH), wanted)


def test_labelled_and_unlabelled_rows_are_compared_apart() -> None:
    labelled = BATCH.labelled["emotion"]
    wanted = sum(both(a, b, where) for a, b in PAIRS for where in (labelled, ~labelled))
    loss = MMD(SIZES, apart=True)
    torch.testing.assert_close(loss(BUNDLE, BATCH), wanted)
    assert loss.parts["audio+face/mmd_labelled"] == both("audio", "face", labelled)


def sides(batch: SegmentBatch, *, training: bool = True) -> torch.Tensor:
    loss = MMD(SIZES, negative=1.0).train(training)
    return loss._sides(batch)


def test_unpaired_sets_are_of_other_classes_and_other_clips() -> None:
    labelled = BATCH.labelled["emotion"]
    seen = set()
    for seed in range(20):
        torch.manual_seed(seed)
        side = sides(BATCH)
        of_class = [side[labelled & (BATCH.targets["emotion"] == i)] for i in range(4)]
        assert all(len(set(each.tolist())) == 1 for each in of_class)
        assert sum(bool(each[0]) for each in of_class) == 2
        for clip in set(BATCH.clip[~labelled].tolist()):
            assert len(set(side[~labelled & (BATCH.clip == clip)].tolist())) == 1
        seen.add(tuple(side.tolist()))
    assert len(seen) > 5
    assert torch.equal(sides(BATCH, training=False), sides(BATCH, training=False))


def test_the_discrepancy_of_unpaired_sets_is_subtracted() -> None:
    loss = MMD(SIZES, ["audio+face"], negative=0.5)
    torch.manual_seed(3)
    side = loss._sides(BATCH)
    torch.manual_seed(3)
    found = loss(BUNDLE, BATCH)
    x = BUNDLE.features["audio"][BATCH.present["audio"] & side]
    y = BUNDLE.features["face"][BATCH.present["face"] & ~side]
    everywhere = torch.ones(24, dtype=torch.bool)
    torch.testing.assert_close(found, both("audio", "face", everywhere) - 0.5 * mmd(x, y))
    assert loss.parts["audio+face/unpaired"] == mmd(x, y)


def test_mixed_labels_are_taken_by_their_larger_part() -> None:
    shares = torch.nn.functional.one_hot(BATCH.targets["emotion"], 4).float() * 0.8 + 0.05
    mixed = replace(BATCH, targets={"emotion": shares})
    assert torch.equal(sides(mixed, training=False), sides(BATCH, training=False))


def test_options_are_checked() -> None:
    with pytest.raises(UserError, match="negative must be at least 0, got -1"):
        MMD(SIZES, negative=-1.0)
    with pytest.raises(UserError, match="got 'mood'"):
        MMD(SIZES, target="mood")
