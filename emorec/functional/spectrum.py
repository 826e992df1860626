"""HGR singular values: of two learned feature sets, and exactly of a joint table.

Huang, Makur, Wornell, Zheng, "On Universal Features for High-Dimensional Learning and Inference",
2019, https://arxiv.org/abs/1911.09105, for the decomposition of a joint distribution.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from emorec.functional.moments import moments


class Discrete(NamedTuple):
    """The HGR decomposition of two discrete variables, see :func:`hgr_discrete`."""

    sigma: Tensor
    f: Tensor
    g: Tensor


@torch.no_grad()
def hgr_spectrum(
    f: Tensor,
    g: Tensor,
    rows: Tensor | None = None,
    *,
    components: int | None = None,
    tolerance: float = 1e-7,
) -> Tensor:
    """Return the estimated HGR singular values of two feature sets, largest first.

    They are the canonical correlations of the features over the valid rows of all ranks: how well
    two feature sets predict each other linearly, whatever their scale and basis. For monitoring,
    on many more rows than features: with n - 1 <= k nearly all of them are 1, whatever the data.

    Args:
        f: (B, k) features.
        g: (B, m) features of the same rows.
        rows: bool (B,), the valid rows; None: all.
        components: Compare only this many leading principal components of each set, for few rows;
            the values are then at most those of the whole sets.
        tolerance: Principal components with less than this share of the largest variance are
            dropped.

    Returns:
        float64 (min(k, m, components),), 0 to 1, zero beyond the rank of a set; all zero with fewer
        than two valid rows. The same on each rank.

    Raises:
        ValueError: f, g and rows do not fit each other.

    Examples:
        >>> x = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
        >>> [round(s, 6) for s in hgr_spectrum(x, -5 * x).tolist()]
        [1.0]
    """
    m = moments(f.detach().double(), g.detach().double(), rows)
    whiten_f, whiten_g = (_whiten(c, tolerance, components) for c in (m.cov_f, m.cov_g))
    sigma: Tensor = torch.linalg.svdvals(whiten_f.T @ m.cross @ whiten_g)
    return sigma.clamp(max=1)


def hgr_discrete(p_xy: Tensor) -> Discrete:
    r"""Return the exact HGR singular values and functions of a joint distribution.

    They are the singular values of :math:`P_{xy} / \sqrt{p_x p_y}` without the leading 1. The
    first is the HGR maximal correlation; half of the sum of their squares is the population
    maximum of soft-HGR, reached by :math:`f_i(x) \sigma_i^{1/2}, g_i(y) \sigma_i^{1/2}`.

    Args:
        p_xy: (X, Y) joint probabilities or counts, not negative; no row or column is all zero.

    Returns:
        ``sigma`` float64 (min(X, Y) - 1,), largest first, in 0 to 1; ``f`` (X, len(sigma)) and
        ``g`` (Y, len(sigma)): the functions, with mean 0 and variance 1 under the table, whose
        correlations are sigma.

    Raises:
        ValueError: The table is not a matrix of non-negative numbers, or a row or column of it
            is empty.

    Examples:
        A binary symmetric pair that differs with probability 0.1 has one value, 1 - 2 * 0.1:

        >>> table = torch.tensor([[0.45, 0.05], [0.05, 0.45]])
        >>> round(hgr_discrete(table).sigma.item(), 6)
        0.8
    """
    table = p_xy.double()
    if table.ndim != 2 or not table.numel() or not bool((table >= 0).all()):
        least = f" with smallest value {table.min().item()}" if table.numel() else ""
        raise ValueError(
            "p_xy must be a matrix of non-negative joint probabilities or counts, got shape "
            f"{tuple(table.shape)}{least}"
        )
    p_x, p_y = table.sum(1), table.sum(0)
    if not bool((p_x > 0).all() and (p_y > 0).all()):
        raise ValueError("p_xy has an all-zero row or column; drop values that never occur")
    total = table.sum()
    p_x, p_y = (p_x / total).sqrt(), (p_y / total).sqrt()
    # Without the leading singular pair, which is (sqrt p_x, sqrt p_y) with value 1.
    divergence = table / total / p_x.outer(p_y) - p_x.outer(p_y)
    u, sigma, v = torch.linalg.svd(divergence, full_matrices=False)
    count = min(table.shape) - 1
    f, g = u[:, :count] / p_x.unsqueeze(1), v.T[:, :count] / p_y.unsqueeze(1)
    return Discrete(sigma[:count].clamp(max=1), f, g)


def _whiten(cov: Tensor, tolerance: float, components: int | None) -> Tensor:
    values, vectors = torch.linalg.eigh(cov)
    if components is not None:  # eigenvalues ascend
        values, vectors = values[-components:], vectors[:, -components:]
    keep = values > tolerance * values[-1].clamp(min=torch.finfo(values.dtype).tiny)
    scale = torch.where(keep, values.clamp(min=0).rsqrt(), torch.zeros_like(values))
    whitening: Tensor = vectors * scale
    return whitening
