"""soft-HGR against naive autograd: time and peak memory, both sides in one run (`make bench`)."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from tests.helpers.hgr_forms import SIDES, K, sets_of, step

# Rows, feature sets, features: those of Ma et al. 2020, and those with which the loss works.
SHAPES = [(90, 3, K), (90, 4, K), (1024, 3, K), (1024, 4, K)]
SMALL = [(n, 3, k) for n in (256, 1024) for k in (16, 64)]


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


@pytest.mark.parametrize(("n", "count", "k"), SHAPES + SMALL)
@pytest.mark.parametrize("side", SIDES)
def test_time(benchmark: Any, n: int, count: int, k: int, side: str) -> None:
    sets = sets_of(n, count, k)
    benchmark.group = f"soft-HGR, {count} sets, n = {n}, k = {k}, one thread"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        benchmark.pedantic(
            step, (side, sets), rounds=15, iterations=3 if n * k < K * K else 1, warmup_rounds=3
        )
    finally:
        torch.set_num_threads(threads)
    benchmark.extra_info["peak MiB"] = peak_memory(lambda: step(side, sets)) / 2**20


@pytest.mark.parametrize(("n", "count", "k"), SHAPES + SMALL)
def test_both_sides_compute_the_same(n: int, count: int, k: int) -> None:
    gradients = []
    for side in SIDES:
        sets = sets_of(n, count, k)
        step(side, sets)
        gradients.append([x.grad for x in sets])
    for ours, *others in zip(*gradients, strict=True):
        for other in others:
            torch.testing.assert_close(ours, other, rtol=1e-3, atol=1e-4)
