"""Traces, their agreement and the chain on two and three processes are those of one."""

from pathlib import Path

import pytest
import torch

from tests.helpers.gloo import on_ranks
from tests.helpers.regression_ranks import Found, evaluate
from tests.helpers.toy_traces import ToyRecordings

pytestmark = pytest.mark.ddp


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that has the toy set's cache: ranks only read it."""
    folder = tmp_path_factory.mktemp("ranks")
    ToyRecordings(folder / "media", recordings=12).prepare_data()
    return folder


def ranks(world: int, folder: Path) -> list[Found]:
    own = folder / f"{world} ranks"
    own.mkdir()
    return on_ranks(evaluate, world, own)


@pytest.fixture(scope="module")
def alone(folder: Path) -> Found:
    return ranks(1, folder)[0]


@pytest.mark.parametrize("world", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_several_processes_find_what_one_finds(world: int, folder: Path, alone: Found) -> None:
    assert {"val/fused/ccc", "val/fused/ccc_arousal", "chain"} < alone.keys()
    assert sum(key.startswith("fused ") for key in alone) >= 2
    for rank in ranks(world, folder):
        assert rank.keys() == alone.keys()
        for key, value in alone.items():
            torch.testing.assert_close(
                rank[key], value, rtol=1e-4, atol=1e-5, equal_nan=True, msg=key
            )
