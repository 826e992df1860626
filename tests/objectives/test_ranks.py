"""Whole objectives on several processes are those of one, value and gradient."""

from pathlib import Path

import pytest
import torch

from tests.helpers.gloo import on_ranks
from tests.helpers.objective_ranks import compute

pytestmark = pytest.mark.ddp


@pytest.mark.parametrize("world", [2, 3])
def test_several_processes_find_what_one_finds(world: int, tmp_path: Path) -> None:
    alone = compute(tmp_path, 1)
    assert {"ccc/value", "ccc/output", "mmd/value", "mmd/audio", "mmd/face"} <= alone.keys()
    for rank in on_ranks(compute, world, tmp_path):
        assert rank.keys() == alone.keys()
        for key, value in alone.items():
            torch.testing.assert_close(rank[key], value, rtol=1e-4, atol=1e-6, msg=key)
