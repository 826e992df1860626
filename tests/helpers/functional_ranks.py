"""What each of several gloo processes computes for test_distributed.py, on rows of its own."""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor
from torch.multiprocessing.spawn import spawn

from emorec.evaluation.clips import Votes
from emorec.evaluation.gather import ClipVote
from emorec.functional import (
    adaptive_triplet,
    barlow_twins,
    concordance,
    deep_cca,
    hgr_spectrum,
    info_nce,
    mmd,
    soft_hgr,
    soft_hgr_pairs,
    sum_over_ranks,
    supervised_contrastive,
    vicreg,
    world_size,
)
from emorec.objectives.base import mean_over_rows

Rows = tuple[Tensor, Tensor, Tensor]
Results = dict[str, dict[str, Tensor]]
SIZES = (18, 5, 9)  # rows of each rank
CASES = {"tall": 4, "wide": 60, "empty_rank": 4, "one_row": 4}  # name -> width of the features
ALTERNATIVES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "deep_cca": deep_cca,
    "barlow_twins": barlow_twins,
    "vicreg": vicreg,
    "info_nce": info_nce,
}
DEALS = 30  # random ways to split one batch over the ranks


def classes(g: Tensor) -> Tensor:
    """Return a class for each row, which the ranks agree on."""
    return (g.detach()[:, 0] > 0).long()


def contrastive_of_both(f: Tensor, g: Tensor, rows: Tensor) -> Tensor:
    return sum((supervised_contrastive(x, classes(g), rows) for x in (f, g)), f.new_zeros(()))


def triplet_of_both(f: Tensor, g: Tensor, rows: Tensor) -> Tensor:
    return sum((adaptive_triplet(x, classes(g), rows) for x in (f, g)), f.new_zeros(()))


def concordance_of_both(f: Tensor, g: Tensor, rows: Tensor) -> Tensor:
    pairs = ((f, g), (g, f))
    known = [concordance(x, y.masked_fill(~rows.unsqueeze(1), torch.nan)) for x, y in pairs]
    weights = torch.arange(f.shape[1], dtype=f.dtype)
    return torch.cat(known) @ torch.cat([weights, 1 - weights])


def mmd_of_rows(f: Tensor, g: Tensor, rows: Tensor) -> Tensor:
    return mmd(f[rows], g[rows])


# Losses of another form, here of two features: classes come from the second.
LABELLED: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "supervised_contrastive": contrastive_of_both,
    "adaptive_triplet": triplet_of_both,
    "concordance": concordance_of_both,
    "mmd": mmd_of_rows,
}


def rows_of(case: str, rank: int) -> Rows:
    """Return one rank's features f and g and which of its rows count."""
    random = torch.Generator().manual_seed(100 * len(case) + rank)
    n, k = SIZES[rank], CASES[case]
    f = torch.randn(n, k, generator=random, dtype=torch.float64) + rank
    g = 0.5 * f + torch.randn(n, k, generator=random, dtype=torch.float64)
    rows = torch.rand(n, generator=random) < 0.7
    rows[0] = True
    if case == "empty_rank" and rank == 1:
        rows[:] = False
    if case == "one_row":
        rows[:] = False
        rows[0] = rank == 0
    f[~rows], g[~rows] = torch.nan, 1e6
    return f, g, rows


def measure(f: Tensor, g: Tensor, rows: Tensor) -> dict[str, Tensor]:
    """Return value and gradients of soft-HGR, and of a mean over the rows."""
    f, g = f.clone().requires_grad_(), g.clone().requires_grad_()
    value = soft_hgr(f, g, rows)
    df, dg = torch.autograd.grad(3 * value, (f, g))
    sets = [f, g, f.flip(1) + 2 * g]
    three = soft_hgr_pairs(sets, rows)[0]
    weights = three.new_tensor([1, 2, 3])
    df3, dg3 = torch.autograd.grad((three * weights).sum(), (f, g))
    mean = mean_over_rows(g[:, 0] ** 2, rows)
    (dmean,) = torch.autograd.grad(mean, g)
    return {
        "value": value.detach(),
        "df": df,
        "dg": dg,
        "three": three.detach(),
        "df3": df3,
        "dg3": dg3,
        "mean": mean.detach(),
        "dmean": dmean[:, 0],
    }


def compare(f: Tensor, g: Tensor, rows: Tensor) -> dict[str, Tensor]:
    """Return value and gradients of what soft-HGR is compared with, and the spectrum."""
    found = {"spectrum": hgr_spectrum(f, g, rows)}
    for name, loss in {**ALTERNATIVES, **LABELLED}.items():
        a, b = f.clone().requires_grad_(), g.clone().requires_grad_()
        value = loss(a, b, rows)
        found[f"{name}/df"], found[f"{name}/dg"] = torch.autograd.grad(3 * value, (a, b))
        found[f"{name}/value"] = value.detach()
    return found


def deal(number: int, world: int) -> list[Rows]:
    """Return the rows of one batch, the same for each number, dealt out to ranks at random."""
    random = torch.Generator().manual_seed(7)
    f = torch.randn(24, 5, generator=random, dtype=torch.float64)
    g = f.flip(1) + torch.randn(24, 5, generator=random, dtype=torch.float64)
    rows = torch.rand(24, generator=random) < 0.8
    random.manual_seed(number)
    owner = torch.randint(world, (24,), generator=random)
    return [(f[owner == rank], g[owner == rank], rows[owner == rank]) for rank in range(world)]


def segments(rank: int, world: int) -> Rows:
    """Return scores, clips and indices of 23 segments as a distributed sampler deals them out."""
    random = torch.Generator().manual_seed(5)
    scores = torch.rand(23, 3, generator=random).softmax(1)
    clip = torch.arange(23) // 4
    index = torch.arange(23) % 4
    share = -(-23 // world)
    mine = (torch.arange(share) * world + rank) % 23  # the last ones repeat the first
    return scores[mine], clip[mine], index[mine]


def vote(scores: Tensor, clip: Tensor, index: Tensor) -> Votes:
    """Return the decisions over all ranks."""
    metric = ClipVote()
    metric.update(scores, clip % 3, clip, index)
    votes: Votes = metric.compute()
    return votes


def _work(rank: int, worlds: tuple[int, ...], folder: str) -> None:
    torch.set_num_threads(1)
    for world in worlds:
        if rank >= world:
            continue
        place = f"file://{folder}/init{world}"
        dist.init_process_group("gloo", init_method=place, rank=rank, world_size=world)
        results = {case: measure(*rows_of(case, rank)) for case in CASES}
        results |= {f"{case}/others": compare(*rows_of(case, rank)) for case in CASES}
        results |= {
            f"deal {number}": measure(*deal(number, world)[rank]) for number in range(DEALS)
        }
        own = torch.full((2,), float(rank + 1))
        results["sum"] = {"total": sum_over_ranks(own), "own": own}
        results["world"] = {"size": torch.tensor(world_size())}
        results["votes"] = vote(*segments(rank, world))._asdict()
        torch.save(results, Path(folder) / f"{world}-{rank}.pt")
        dist.destroy_process_group()


def run_ranks(worlds: tuple[int, ...], folder: Path) -> dict[int, list[Results]]:
    """Run all checks on each number of processes and return what each rank found.

    The processes are started once: importing torch takes them longer than all checks.
    """
    spawn(_work, (worlds, str(folder)), nprocs=max(worlds))  # type: ignore[no-untyped-call]
    return {
        world: [torch.load(folder / f"{world}-{r}.pt", weights_only=True) for r in range(world)]
        for world in worlds
    }
