"""soft-HGR on two gloo processes: summing moments against gathering rows (`make bench`)."""

import time
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor
from torch.multiprocessing.spawn import spawn

from emorec.functional import soft_hgr

K, SETS, ROUNDS = 512, 3, 15
ROWS = (90, 1024)  # of each rank


class Gather(torch.autograd.Function):
    """All rows of all ranks, with the gradient of this rank's: what public code does."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        out = [torch.empty_like(x) for _ in range(dist.get_world_size())]
        dist.all_gather(out, x)
        ctx.size = len(x)
        return torch.cat(out)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        grad = grad.contiguous()
        dist.all_reduce(grad)
        return grad[dist.get_rank() * ctx.size :][: ctx.size]


def gathered(f: Tensor, g: Tensor) -> Tensor:
    """soft-HGR of all rows, gathered, as one process computes it."""
    f, g = Gather.apply(f), Gather.apply(g)
    fc, gc = f - f.mean(0), g - g.mean(0)
    n = len(f) - 1
    wide = len(f) < f.shape[1]
    trace = ((fc @ gc.T) ** 2).sum() if wide else ((fc.T @ fc) * (gc.T @ gc)).sum()
    return (fc * gc).sum() / n - trace / n**2 / 2


def _work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/init", rank=rank, world_size=2)
    random = torch.Generator().manual_seed(rank)
    seconds: dict[str, list[float]] = {}
    for n in ROWS:
        sets = [torch.randn(n, K, generator=random).requires_grad_() for _ in range(SETS)]
        for _ in range(ROUNDS):
            gradients = []
            for name, pair in (("moments", soft_hgr), ("gathering", gathered)):
                dist.barrier()
                start = time.perf_counter()
                total = torch.stack([pair(a, b) for a, b in combinations(sets, 2)]).sum()
                gradients.append(torch.autograd.grad(total, sets))
                seconds.setdefault(f"{name} {n}", []).append(time.perf_counter() - start)
            torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-4)
    torch.save(seconds, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[float]]:
    folder = tmp_path_factory.mktemp("ranks")
    spawn(_work, (str(folder),), nprocs=2)  # type: ignore[no-untyped-call]
    found: dict[str, list[float]] = torch.load(folder / "0.pt", weights_only=True)
    return found


@pytest.mark.parametrize("n", ROWS)
def test_moments_against_gathering(measured: dict[str, list[float]], n: int) -> None:
    moments, gathering = (median(measured[f"{name} {n}"]) for name in ("moments", "gathering"))
    print(
        f"\n{SETS} sets, k = {K}, {n} rows on each of 2 gloo ranks, one thread each: moments "
        f"{1e3 * moments:.1f} ms, gathering {1e3 * gathering:.1f} ms, ratio "
        f"{gathering / moments:.2f}"
    )
