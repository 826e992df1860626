"""First occurrences of repeated rows, such as those that a sampler repeats."""

import torch
from torch import Tensor


def first_rows(keys: Tensor) -> tuple[Tensor, Tensor]:
    """Return the unique keys, sorted, and the first row of each.

    Args:
        keys: int64 (N, K), one key per row.

    Returns:
        int64 (M, K) unique keys and int64 (M,), the first row of each.
    """
    unique, position = torch.unique(keys, dim=0, return_inverse=True)
    first = torch.full((len(unique),), len(position), device=keys.device)
    rows = torch.arange(len(position), device=keys.device)
    return unique, first.scatter_reduce(0, position, rows, "amin")
