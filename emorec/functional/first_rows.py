"""Rows that repeat, such as those that a sampler repeats: the first of each counts."""

import torch
from torch import Tensor


def first_rows(keys: Tensor) -> tuple[Tensor, Tensor]:
    """Return the different keys, sorted, and where each is first.

    Args:
        keys: int64 (N, K), a key a row.

    Returns:
        int64 (M, K) keys and int64 (M,) rows of the first of each.
    """
    different, position = torch.unique(keys, dim=0, return_inverse=True)
    first = torch.full((len(different),), len(position), device=keys.device)
    where = torch.arange(len(position), device=keys.device)
    return different, first.scatter_reduce(0, position, where, "amin")
