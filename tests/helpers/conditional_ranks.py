"""What each of several gloo processes computes for test_conditional.py, on rows of its own."""

from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor
from torch.multiprocessing.spawn import spawn

from emorec.functional.conditional import conditional_soft_hgr

Rows = tuple[Tensor, Tensor, Tensor, Tensor]
Results = dict[str, dict[str, Tensor]]
SIZES = (18, 5, 9)  # rows of each rank
COUNT = 6
CASES = {"tall": 4, "wide": 60, "empty_rank": 4, "alone": 4}  # name -> width of the features


def rows_of(case: str, rank: int) -> Rows:
    """Return one rank's features f and g, their groups, and which of its rows count."""
    random = torch.Generator().manual_seed(100 * len(case) + rank)
    n, k = SIZES[rank], CASES[case]
    groups = torch.randint(-1, COUNT - 1, (n,), generator=random)  # the last group has no row
    means = 5 * torch.randn(COUNT, k, generator=torch.Generator().manual_seed(9)).double()
    f = torch.randn(n, k, generator=random, dtype=torch.float64) + means[groups] + rank
    g = 0.5 * f + torch.randn(n, k, generator=random, dtype=torch.float64)
    rows = torch.rand(n, generator=random) < 0.8
    if case == "empty_rank" and rank == 1:
        rows[:] = False
    if case == "alone":  # each group has one row, on any rank
        rows[:] = False
        rows[:2] = True
        groups[:2] = torch.tensor([2 * rank, 2 * rank + 1])
    missing = ~rows | (groups < 0)
    f[missing], g[missing] = torch.nan, 1e6
    return f, g, groups, rows


def measure(f: Tensor, g: Tensor, groups: Tensor, rows: Tensor) -> dict[str, Tensor]:
    """Return value and gradients, also of a parameter that both features are made with."""
    f, g = f.clone().requires_grad_(), g.clone().requires_grad_()
    shared = torch.full((f.shape[1],), 0.7, dtype=f.dtype, requires_grad=True)
    made_f, made_g = ((x.nan_to_num(0) * shared).tanh() for x in (f, g))
    results: dict[str, Tensor] = {}
    for unbiased in (True, False):
        name = "unbiased" if unbiased else "biased"
        value = conditional_soft_hgr(f, g, groups, COUNT, rows, unbiased=unbiased)
        df, dg = torch.autograd.grad(3 * value, (f, g))
        through = conditional_soft_hgr(made_f, made_g, groups, COUNT, rows, unbiased=unbiased)
        (dshared,) = torch.autograd.grad(through, shared, retain_graph=True)
        results |= {
            f"{name}/value": value.detach(),
            f"{name}/df": df,
            f"{name}/dg": dg,
            f"{name}/shared": dshared,
        }
    return results


def _work(rank: int, worlds: tuple[int, ...], folder: str) -> None:
    torch.set_num_threads(1)
    for world in worlds:
        if rank >= world:
            continue
        place = f"file://{folder}/init{world}"
        dist.init_process_group("gloo", init_method=place, rank=rank, world_size=world)
        results = {case: measure(*rows_of(case, rank)) for case in CASES}
        torch.save(results, Path(folder) / f"{world}-{rank}.pt")
        dist.destroy_process_group()


def run_ranks(worlds: tuple[int, ...], folder: Path) -> dict[int, list[Results]]:
    """Run all cases on each number of processes and return what each rank found."""
    spawn(_work, (worlds, str(folder)), nprocs=max(worlds))  # type: ignore[no-untyped-call]
    return {
        world: [torch.load(folder / f"{world}-{r}.pt", weights_only=True) for r in range(world)]
        for world in worlds
    }
