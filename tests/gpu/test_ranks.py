"""Two processes on one device, over gloo, against one process with all rows."""

from pathlib import Path

import pytest
import torch

from tests.helpers.gloo import on_ranks
from tests.helpers.gpu_ranks import ROWS, losses

pytestmark = [pytest.mark.gpu, pytest.mark.ddp]


def test_two_processes_on_one_device_give_the_gradient_of_one(tmp_path: Path) -> None:
    alone = losses(tmp_path, 1)
    for rank in on_ranks(losses, len(ROWS), tmp_path):
        assert rank.keys() == alone.keys()
        for name, value in alone.items():
            # Features are bfloat16 under autocast: products of other sizes round otherwise.
            far = (rank[name] - value).norm() / value.norm()
            assert far < 2e-2, name
    assert not torch.equal(alone["soft_hgr f.weight"], alone["info_nce f.weight"])
