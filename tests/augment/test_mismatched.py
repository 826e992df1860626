"""Mismatched pairs: who gets whose picture, and what stays."""

import pytest
import torch

from emorec.augment import Mismatched
from emorec.errors import UserError
from emorec.types import SegmentBatch

ROWS = 60
SPEAKERS = torch.tensor([clip % 5 for clip in range(ROWS)])


def batch() -> SegmentBatch:
    """Rows of as many clips, whose inputs are the number of the clip."""
    rows = torch.arange(ROWS)
    present = {"voice": rows >= 0, "face": rows % 7 != 1}
    inputs = {n: (rows + 1.0).masked_fill(~mask, 0).unsqueeze(1) for n, mask in present.items()}
    labelled = {"emotion": rows % 3 == 0}
    return SegmentBatch(inputs, present, {"emotion": rows % 2}, labelled, rows, rows * 0)


def exchanged(step: Mismatched, given: SegmentBatch) -> tuple[SegmentBatch, torch.Tensor]:
    """Return the changed batch, and whose face each row has; -1 without one."""
    torch.manual_seed(0)
    step.bind(None, {"emotion": 2}, SPEAKERS)
    found: SegmentBatch = step(given)
    return found, found.inputs["face"].squeeze(1).long() - 1


@pytest.mark.parametrize("within", ["batch", "speaker"])
def test_unlabelled_rows_exchange_their_faces_and_nothing_else_changes(within: str) -> None:
    given = batch()
    found, whose = exchanged(Mismatched("face", within), given)  # type: ignore[arg-type]
    moved = given.present["face"] & ~given.labelled["emotion"]
    rows = torch.arange(ROWS)
    assert (whose[moved] != rows[moved]).all()
    assert sorted(whose[moved].tolist()) == rows[moved].tolist()
    torch.testing.assert_close(found.inputs["face"][~moved], given.inputs["face"][~moved])
    torch.testing.assert_close(found.inputs["voice"], given.inputs["voice"])
    torch.testing.assert_close(found.present["face"], given.present["face"])
    torch.testing.assert_close(given.inputs["face"], batch().inputs["face"])  # not modified
    same = SPEAKERS[whose[moved]] == SPEAKERS[rows[moved]]
    assert same.all() if within == "speaker" else same.float().mean() < 0.5


def test_each_batch_is_exchanged_anew() -> None:
    step = Mismatched()
    first, second = step(batch()), step(batch())
    assert not torch.equal(first.inputs["face"], second.inputs["face"])


def test_a_row_without_a_partner_loses_the_modality() -> None:
    given = batch().rows(slice(0, 5))  # rows 2 and 4 are unlabelled and have a face
    found, whose = exchanged(Mismatched("face", "speaker"), given)
    assert found.present["face"].tolist() == [True, False, False, True, False]
    assert whose.tolist() == [0, -1, -1, 3, -1]


def test_what_it_needs_is_said() -> None:
    with pytest.raises(UserError, match="the data has face, voice, emotion"):
        Mismatched("gaze")(batch())
    step = Mismatched("face", "speaker")
    step.bind(None, {"emotion": 2}, torch.full((ROWS,), -1))
    with pytest.raises(UserError, match="needs the speaker of each clip"):
        step(batch())
