"""soft-HGR against naive autograd: time and peak memory, both sides in one run (`make bench`)."""

from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from emorec.functional import soft_hgr, soft_hgr_pairs, soft_hgr_stacked

K = 512
SHAPES = [(90, 3), (90, 4), (1024, 3), (1024, 4)]  # rows, feature sets
Pair = Callable[[Tensor, Tensor], Tensor]
Sets = list[Tensor]


def naive(f: Tensor, g: Tensor) -> Tensor:
    """What published code does: both covariances and the trace of their product, by autograd."""
    inner = ((f - f.mean(0)) * (g - g.mean(0))).sum() / (len(f) - 1)
    return inner - torch.trace(torch.cov(f.T) @ torch.cov(g.T)) / 2


def pair_by_pair(pair: Pair, sets: Sets) -> Tensor:
    """Add a value over all pairs of sets."""
    return torch.stack([pair(a, b) for a, b in combinations(sets, 2)]).sum()


def stacked(sets: Sets) -> Tensor:
    """Add the values of all pairs, each pair with rows of its own, as on a GPU and on ranks."""
    f, g = (torch.stack(each) for each in zip(*combinations(sets, 2), strict=True))
    return soft_hgr_stacked(f, g)[0].sum()


SIDES: dict[str, Callable[[Sets], Tensor]] = {
    "all pairs at once": lambda sets: soft_hgr_pairs(sets)[0].sum(),
    "pair by pair": partial(pair_by_pair, soft_hgr),
    "stacked": stacked,
    "naive": partial(pair_by_pair, naive),
}


def sets_of(n: int, count: int) -> Sets:
    random = torch.Generator().manual_seed(0)
    return [torch.randn(n, K, generator=random).requires_grad_() for _ in range(count)]


def step(side: str, sets: Sets) -> None:
    """Forward and backward over all pairs of feature sets."""
    for x in sets:
        x.grad = None
    SIDES[side](sets).backward()  # type: ignore[no-untyped-call]


def peak_memory(work: Callable[[], None]) -> int:
    """Return the most bytes that torch held on the CPU at once, above those at the start."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    assert profiler.profiler is not None
    events = profiler.profiler.kineto_results.events()
    changes = [(e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]"]
    held = most = 0
    for _, change in sorted(changes):
        held += change
        most = max(most, held)
    return most


@pytest.mark.parametrize(("n", "count"), SHAPES)
@pytest.mark.parametrize("side", SIDES)
def test_time(benchmark: Any, n: int, count: int, side: str) -> None:
    sets = sets_of(n, count)
    benchmark.group = f"soft-HGR, {count} sets, n = {n}, k = {K}, one thread"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        benchmark.pedantic(
            step, (side, sets), rounds=15, iterations=3 if n < K else 1, warmup_rounds=3
        )
    finally:
        torch.set_num_threads(threads)
    benchmark.extra_info["peak MiB"] = peak_memory(lambda: step(side, sets)) / 2**20


@pytest.mark.parametrize(("n", "count"), SHAPES)
def test_both_sides_compute_the_same(n: int, count: int) -> None:
    gradients = []
    for side in SIDES:
        sets = sets_of(n, count)
        step(side, sets)
        gradients.append([x.grad for x in sets])
    for ours, *others in zip(*gradients, strict=True):
        for other in others:
            torch.testing.assert_close(ours, other, rtol=1e-3, atol=1e-4)
