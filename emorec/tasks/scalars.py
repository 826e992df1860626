"""Scalars logged for each batch."""

import torch
from torch import Tensor

from emorec.functional import sum_over_ranks, world_size


def mean_of_ranks(values: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the mean over ranks of each scalar, with a single all-reduce."""
    if world_size() == 1 or not values:
        return values
    means = sum_over_ranks(torch.stack([v.float() for v in values.values()])) / world_size()
    return dict(zip(values, means, strict=True))


def scale(features: Tensor, rows: Tensor) -> Tensor:
    """Return the root mean square of features around their mean, on this rank.

    Args:
        features: float (B, ...).
        rows: bool (B,), the valid rows.
    """
    flat = features.float().flatten(1)
    mask = rows.unsqueeze(1)
    count = rows.sum().clamp(min=1)
    mean = flat.masked_fill(~mask, 0).sum(0) / count
    squares = (flat - mean).masked_fill(~mask, 0).square().sum() / (count * flat.shape[1])
    return squares.sqrt()
