"""What each of two processes that share one device computes for test_ranks.py."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from emorec.functional import info_nce, soft_hgr, world_size
from tests.gpu.card import device_here

ROWS = (30, 14)  # of each rank: no two are alike


class Pair(nn.Module):
    """Two layers, and the losses of what they give."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.f, self.g = nn.Linear(12, 24, bias=False), nn.Linear(12, 24, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        f, g = self.f(x), self.g(x)
        return soft_hgr(f, g), info_nce(f, g)


def rows_of(rank: int) -> Tensor:
    random = torch.Generator().manual_seed(rank)
    return torch.randn(ROWS[rank], 12, generator=random) + rank


def losses(folder: Path, world: int) -> dict[str, Tensor]:
    """Return losses and the gradients that DistributedDataParallel leaves, on this rank's rows."""
    device = device_here()
    ranks = range(len(ROWS)) if world == 1 else [torch.distributed.get_rank()]
    x = torch.cat([rows_of(rank) for rank in ranks]).to(device)
    pair = Pair().to(device)
    model = DistributedDataParallel(pair) if world_size() > 1 else pair
    found = {}
    for number, name in enumerate(("soft_hgr", "info_nce")):
        pair.zero_grad()
        with torch.autocast(device, torch.bfloat16):
            loss = model(x)[number]
        loss.backward()
        found[name] = loss.detach().cpu()
        for part, parameter in pair.named_parameters():
            assert parameter.grad is not None
            found[f"{name} {part}"] = parameter.grad.cpu().clone()
    return found
