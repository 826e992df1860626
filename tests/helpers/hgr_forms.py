"""Forms of soft-HGR that compute the same: ours, and what published code does."""

from collections.abc import Callable
from functools import partial
from itertools import combinations

import torch
from torch import Tensor

from emorec.functional import soft_hgr, soft_hgr_pairs, soft_hgr_stacked

K = 512

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


def sets_of(n: int, count: int, k: int = K) -> Sets:
    random = torch.Generator().manual_seed(0)
    return [torch.randn(n, k, generator=random).requires_grad_() for _ in range(count)]


def step(side: str, sets: Sets) -> None:
    """Forward and backward over all pairs of feature sets."""
    for x in sets:
        x.grad = None
    SIDES[side](sets).backward()  # type: ignore[no-untyped-call]
