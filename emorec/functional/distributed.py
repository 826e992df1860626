"""Sums over the ranks of a distributed run; on one process they are the identity."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def world_size() -> int:
    """Return the number of processes that train together; 1 without a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


@torch.no_grad()
def sum_over_ranks(x: Tensor) -> Tensor:
    """Return the sum of ``x`` over all ranks; no gradient flows through it.

    Args:
        x: Any shape and real dtype, the same on each rank. Not modified.

    Returns:
        A tensor like ``x``; ``x`` itself on one process.
    """
    if world_size() == 1:
        return x
    total = x.detach().clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total


def add_over_ranks(x: Tensor) -> Tensor:
    """Return the sum of ``x`` over all ranks, with a gradient and no collective in backward.

    For a loss that every rank computes from the sum alone: all ranks then have the same loss, and
    each knows its gradient with respect to the sum. The gradient is multiplied by the number of
    ranks, so that DistributedDataParallel's mean over ranks is the gradient of one process.

    Args:
        x: Any shape and real dtype, the same on each rank. Not modified.
    """
    if world_size() == 1:
        return x
    total: Tensor = _AddOverRanks.apply(x)
    return total


def rows_of_all_ranks(x: Tensor) -> Tensor:
    """Return the rows of all ranks, concatenated; ranks may have different numbers of rows.

    With a gradient, like :func:`add_over_ranks`: for a loss that every rank computes from all rows.

    Args:
        x: (B, ...), where B is at least 0 and may differ between ranks.
    """
    if world_size() == 1:
        return x
    rank = dist.get_rank()
    counts = torch.zeros(world_size(), device=x.device)
    counts[rank] = len(x)
    before = [0, *sum_over_ranks(counts).long().cumsum(0).tolist()]
    # Each rank adds its rows to a matrix of zeros, as numbers of rows may differ.
    padding = (*[0, 0] * (x.ndim - 1), before[rank], before[-1] - before[rank + 1])
    return add_over_ranks(torch.nn.functional.pad(x, padding))


class _AddOverRanks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return sum_over_ranks(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad * world_size()
