"""Several processes train to the weights of one with the same total batch, through all stages."""

from pathlib import Path

import pytest
import torch

from tests.helpers.equal_ranks import TOTAL, Found, data, fit
from tests.helpers.gloo import on_ranks

pytestmark = [pytest.mark.ddp, pytest.mark.slow]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Found:
    (found,) = on_ranks(fit, 1, tmp_path_factory.mktemp("alone"))
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module", params=[2, 3], ids=["two ranks", "three ranks"])
def ranks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Found]:
    return on_ranks(fit, request.param, tmp_path_factory.mktemp("ranks"))


def test_the_last_batch_is_too_small_for_all_ranks_and_labels_are_missing(tmp_path: Path) -> None:
    made = data(tmp_path, 1)
    made.prepare_data()
    made.setup()
    batches = list(made.train_dataloader())
    assert [len(batch) for batch in batches] == [TOTAL] * (len(batches) - 1) + [1]
    labelled = torch.cat([batch.labelled["emotion"] for batch in batches])
    assert 0.2 < labelled.double().mean() < 0.8


def test_weights_are_those_of_one_process_after_each_epoch(
    alone: Found, ranks: list[Found]
) -> None:
    assert len(alone["ends"]) == 7
    moved = [key for key, value in alone["ends"][0].items() if value.is_floating_point()]
    assert any(not torch.equal(alone["ends"][0][k], alone["ends"][-1][k]) for k in moved)
    for rank in ranks:
        for mine, one in zip(rank["ends"], alone["ends"], strict=True):
            assert mine.keys() == one.keys()
            for key, value in one.items():
                torch.testing.assert_close(mine[key], value, rtol=0, atol=1e-6, msg=key)


def test_losses_are_logged_as_of_one_process(alone: Found, ranks: list[Found]) -> None:
    assert {key for step in alone["steps"] for key in step} >= {
        "train/loss_step",
        "train/loss/class_step",
        "train/corr/audio+face/S_step",
    }
    for rank in ranks:
        for mine, one in zip(rank["steps"], alone["steps"], strict=True):
            assert mine.keys() == one.keys()
            for key, value in one.items():
                torch.testing.assert_close(mine[key].double(), value.double(), msg=key)


def test_test_clips_are_decided_as_on_one_process(alone: Found, ranks: list[Found]) -> None:
    (expected,) = alone["test"]
    assert len(expected["scores"]) == 3
    for rank in ranks:
        (found,) = rank["test"]
        for key, value in expected.items():
            torch.testing.assert_close(found[key], value, rtol=0, atol=1e-6)
