"""Second moments of two feature sets over the valid rows of all ranks, with gradients."""

from typing import NamedTuple

import torch
from torch import Tensor

from emorec.functional.distributed import add_over_ranks, sum_over_ranks


class Moments(NamedTuple):
    """Moments for losses on covariances.

    Attributes:
        n: Number of valid rows over all ranks, a scalar.
        cov_f: (k, k) covariance of f.
        cov_g: (m, m) covariance of g.
        cross: (k, m) cross-covariance.
    """

    n: Tensor
    cov_f: Tensor
    cov_g: Tensor
    cross: Tensor


def moments(f: Tensor, g: Tensor, rows: Tensor | None = None, *, unbiased: bool = True) -> Moments:
    """Return covariances over the valid rows of all ranks, the same on each rank.

    Gradients follow the convention of :func:`emorec.functional.soft_hgr`: the mean of the ranks'
    gradients is the gradient of one process with all rows, provided that each rank computes the
    same loss from them. No collective in backward.

    Args:
        f: (B, k) features; computed in float32 or wider, with autocast off.
        g: (B, m) features of the same rows.
        rows: bool (B,), the valid rows; None: all. Values in the others are ignored.
        unbiased: Divide by n - 1 (else n).

    Raises:
        ValueError: f, g and rows do not fit each other.
    """
    f, g, rows = valid(f, g, rows)
    dtype = f.dtype
    with torch.autocast(f.device.type, enabled=False):
        sums = [f.detach().sum(0), g.detach().sum(0), rows.sum(dtype=dtype).unsqueeze(0)]
        total = sum_over_ranks(torch.cat(sums))
        n = total[-1]
        # Centred rows sum to zero over all ranks, so the means need no gradient.
        means = total[:-1] / n.clamp(min=1)
        both = torch.cat([f, g], 1) - means
        both = both.masked_fill(~rows.unsqueeze(1), 0)
        divisor = (n - 1 if unbiased else n).clamp(min=1)
        cov = add_over_ranks(both.T @ both) / divisor
        k = f.shape[1]
        return Moments(n, cov[:k, :k], cov[k:, k:], cov[:k, k:])


def valid(f: Tensor, g: Tensor, rows: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Check two feature sets and their mask; widen the dtype and set masked rows to zero.

    Raises:
        ValueError: They do not fit each other.
    """
    if f.ndim != 2 or g.ndim != 2 or len(f) != len(g):
        raise ValueError(
            "f and g must be two matrices (rows, features) with the same rows, got "
            f"{tuple(f.shape)} and {tuple(g.shape)}"
        )
    if rows is None:
        rows = torch.ones(len(f), dtype=torch.bool, device=f.device)
    if rows.shape != f.shape[:1] or rows.dtype != torch.bool:
        raise ValueError(
            f"rows must be a bool mask of shape ({len(f)},), got {rows.dtype} {tuple(rows.shape)}"
        )
    dtype = torch.promote_types(torch.promote_types(f.dtype, g.dtype), torch.float32)
    # Masked rows may hold anything, even NaN: replace them, do not multiply by zero.
    mask = ~rows.unsqueeze(1)
    return f.to(dtype).masked_fill(mask, 0), g.to(dtype).masked_fill(mask, 0), rows
