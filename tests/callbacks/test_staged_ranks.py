"""Training in stages on two ranks: unfreezing after the wrap keeps the ranks together."""

from pathlib import Path

import pytest
import torch

from tests.helpers.gloo import on_ranks
from tests.helpers.staged_ranks import fit
from tests.helpers.staging import changed

Found = list[dict[str, list[dict[str, torch.Tensor]]]]
pytestmark = [pytest.mark.ddp, pytest.mark.slow]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return on_ranks(fit, 2, tmp_path_factory.mktemp("ranks"))


def test_parameters_are_the_same_on_both_ranks_in_all_epochs(found: Found) -> None:
    first, second = found
    assert len(first["ends"]) == len(second["ends"]) == 6
    for mine, theirs in zip(first["ends"], second["ends"], strict=True):
        # Running statistics are each rank's own between broadcasts.
        assert {key for key in changed(mine, theirs) if "running" not in key} == set()


def test_all_stages_moved_their_parameters_on_both_ranks(found: Found) -> None:
    for rank in found:
        for epoch, name in ((0, "encoders.audio"), (2, "encoders.face"), (4, "fusion")):
            moved = changed(rank["starts"][epoch], rank["ends"][epoch])
            assert {key for key in moved if key.startswith(name)}


def test_frozen_encoders_do_not_move_on_either_rank(found: Found) -> None:
    for rank in found:
        for epoch, frozen in ((0, "encoders.face."), (2, "encoders.audio.")):
            moved = changed(rank["starts"][epoch], rank["ends"][epoch])
            assert {key for key in moved if key.startswith(frozen)} == set()


def test_both_ranks_measure_the_same_and_start_the_next_stage_alike(found: Found) -> None:
    first, second = found
    assert first["scores"][4:] == second["scores"][4:]
    assert None not in first["scores"][4:]
    for epoch in (2, 4):
        assert changed(first["starts"][epoch], second["starts"][epoch]) == set()


def test_checkpoints_are_written_once(
    found: Found, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folders = sorted(Path(tmp_path_factory.getbasetemp()).glob("ranks*/checkpoints"))
    assert {path.name for path in folders[-1].iterdir()} == {
        "audio.ckpt",
        "face.ckpt",
        "joint.ckpt",
        "last.ckpt",
        "before_last.ckpt",
    }
