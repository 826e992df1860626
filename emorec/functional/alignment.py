"""Losses that align two feature sets of the same rows, exact over all rows of all ranks."""

import torch
from torch import Tensor
from torch.nn import functional as F

from emorec.functional.distributed import add_over_ranks, rows_of_all_ranks
from emorec.functional.moments import moments, valid


def deep_cca(f: Tensor, g: Tensor, rows: Tensor | None = None, *, ridge: float = 1e-3) -> Tensor:
    """Return the sum of the canonical correlations of two feature sets, to be maximised.

    They are the singular values of the cross-covariance of features whitened with a ridge on their
    covariances. Unlike soft-HGR it inverts matrices, at a cost of k^3, and it needs more rows than
    features or a large ridge: otherwise any features reach the maximum.

    Andrew, Arora, Bilmes, Livescu, "Deep Canonical Correlation Analysis", ICML 2013,
    https://proceedings.mlr.press/v28/andrew13.html, equations (9) to (11).

    Args:
        f: (B, k) features; float16 and bfloat16 are computed in float32, with autocast off.
        g: (B, m) features of the same rows.
        rows: bool (B,), the valid rows; None: all.
        ridge: Added to the variances, in the units of squared features (the paper's r).

    Returns:
        A scalar from 0 to min(k, m), float32 or wider, the same on each rank; 0 with a zero
        gradient with fewer than two valid rows. For the gradient on ranks see
        :func:`emorec.functional.soft_hgr`.

    Raises:
        ValueError: f, g and rows do not fit each other, or the ridge is not positive.
    """
    if ridge <= 0:
        raise ValueError(f"ridge must be positive, got {ridge}")
    m = moments(f, g, rows)
    with torch.autocast(f.device.type, enabled=False):
        root_f = torch.linalg.cholesky(m.cov_f + ridge * _identity(m.cov_f))
        root_g = torch.linalg.cholesky(m.cov_g + ridge * _identity(m.cov_g))
        half = torch.linalg.solve_triangular(root_f, m.cross, upper=False)
        whitened = torch.linalg.solve_triangular(root_g, half.T, upper=False)
        correlations: Tensor = torch.linalg.svdvals(whitened)
        return correlations.sum()


def _identity(like: Tensor) -> Tensor:
    return torch.eye(len(like), dtype=like.dtype, device=like.device)


def barlow_twins(
    f: Tensor, g: Tensor, rows: Tensor | None = None, *, off_diagonal: float = 5e-3
) -> Tensor:
    r"""Return how far the cross-correlation matrix of two feature sets is from the identity.

    .. math:: \sum_i (1 - c_{ii})^2 + \lambda \sum_{i \ne j} c_{ij}^2

    Zbontar, Jing, Misra, LeCun, Deny, "Barlow Twins: Self-Supervised Learning via Redundancy
    Reduction", ICML 2021, https://arxiv.org/abs/2103.03230, equations (1) and (2).

    Args:
        f: (B, k) features; float16 and bfloat16 are computed in float32, with autocast off.
        g: (B, k) features of the same rows.
        rows: bool (B,), the valid rows; None: all.
        off_diagonal: The paper's lambda.

    Returns:
        A scalar of at least 0, to be minimised, float32 or wider, the same on each rank; 0 with a
        zero gradient with fewer than two valid rows. For the gradient on ranks see
        :func:`emorec.functional.soft_hgr`.

    Raises:
        ValueError: f and g are not two matrices of the same shape, or rows does not fit them.
    """
    _check_shapes(f, g)
    m = moments(f, g, rows)
    with torch.autocast(f.device.type, enabled=False):
        tiny = torch.finfo(m.cross.dtype).eps
        scale_f, scale_g = ((m_.diagonal() + tiny).rsqrt() for m_ in (m.cov_f, m.cov_g))
        c = m.cross * scale_f.unsqueeze(1) * scale_g
        on = (1 - c.diagonal()).square().sum()
        off = c.square().sum() - c.diagonal().square().sum()
        return torch.where(m.n >= 2, on + off_diagonal * off, 0 * on)


def vicreg(
    f: Tensor,
    g: Tensor,
    rows: Tensor | None = None,
    *,
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 1.0,
    deviation: float = 1.0,
) -> Tensor:
    """Return the weighted sum of VICReg's terms, to be minimised.

    Invariance: squared distance of f and g, summed over features and averaged over rows, as in the
    paper. Variance: mean over features of how far each standard deviation is below ``deviation``,
    summed over f and g. Covariance: squared off-diagonal covariances, divided by the number of
    features, summed over f and g. (The authors' code divides the first by the number of
    features and the second by two; the weights can compensate for it.)

    Bardes, Ponce, LeCun, "VICReg: Variance-Invariance-Covariance Regularization for Self-Supervised
    Learning", ICLR 2022, https://arxiv.org/abs/2105.04906, equations (1) to (6).

    Args:
        f: (B, k) features; float16 and bfloat16 are computed in float32, with autocast off.
        g: (B, k) features of the same rows.
        rows: bool (B,), the valid rows; None: all.
        invariance: The paper's lambda.
        variance: The paper's mu.
        covariance: The paper's nu.
        deviation: Target for the standard deviations (the paper's gamma).

    Returns:
        A scalar of at least 0, float32 or wider, the same on each rank; 0 with a zero gradient
        with fewer than two valid rows. For the gradient on ranks see
        :func:`emorec.functional.soft_hgr`.

    Raises:
        ValueError: f and g are not two matrices of the same shape, or rows does not fit them.
    """
    _check_shapes(f, g)
    m = moments(f, g, rows)
    f, g, _ = valid(f, g, rows)
    with torch.autocast(f.device.type, enabled=False):
        distance = add_over_ranks((f - g).square().sum()) / m.n.clamp(min=1)
        total = invariance * distance
        for cov in (m.cov_f, m.cov_g):
            narrow, shared = _spread(cov, deviation)
            total = total + variance * narrow + covariance * shared
        return torch.where(m.n >= 2, total, 0 * total)


def variance_covariance(
    f: Tensor,
    rows: Tensor | None = None,
    *,
    variance: float = 1.0,
    covariance: float = 1.0,
    deviation: float = 1.0,
) -> Tensor:
    """Return the weighted variance and covariance terms of :func:`vicreg` for one feature set.

    Args:
        f: (B, k) features; float16 and bfloat16 are computed in float32, with autocast off.
        rows: bool (B,), the valid rows; None: all.
        variance: Weight of how far standard deviations are below ``deviation``, their mean.
        covariance: Weight of the squared off-diagonal covariances, their sum divided by k.
        deviation: Target for the standard deviations.

    Returns:
        A scalar of at least 0, as from :func:`vicreg`.

    Raises:
        ValueError: f is not a matrix, or rows does not fit it.
    """
    m = moments(f, f, rows)
    with torch.autocast(f.device.type, enabled=False):
        narrow, shared = _spread(m.cov_f, deviation)
        total = variance * narrow + covariance * shared
        return torch.where(m.n >= 2, total, 0 * total)


def _spread(cov: Tensor, deviation: float) -> tuple[Tensor, Tensor]:
    """Return VICReg's variance and covariance terms of a covariance matrix (k, k)."""
    deviations = (cov.diagonal() + 1e-4).sqrt()  # the paper's epsilon
    off = cov.square().sum() - cov.diagonal().square().sum()
    return torch.relu(deviation - deviations).mean(), off / len(cov)


def info_nce(
    f: Tensor, g: Tensor, rows: Tensor | None = None, *, temperature: float = 0.1
) -> Tensor:
    """Return the symmetric contrastive loss: cross-entropy of matching f to g rows and back.

    The mean of both cross-entropies over scaled cosines; the valid rows of all ranks are each
    other's negatives. They are gathered, unlike for the losses on moments.

    van den Oord, Li, Vinyals, "Representation Learning with Contrastive Predictive Coding", 2018,
    https://arxiv.org/abs/1807.03748, equation (4); in both directions as in Radford et al. 2021,
    https://arxiv.org/abs/2103.00020, figure 3.

    Args:
        f: (B, k) features; float16 and bfloat16 are computed in float32, with autocast off.
        g: (B, k) features of the same rows.
        rows: bool (B,), the valid rows; None: all.
        temperature: Divides the cosines.

    Returns:
        A scalar of at least 0 in nats, to be minimised, float32 or wider, the same on each rank; 0
        with a zero gradient with fewer than two valid rows. For the gradient on ranks see
        :func:`emorec.functional.soft_hgr`.

    Raises:
        ValueError: f and g are not two matrices of the same shape, rows does not fit them, or
            the temperature is not positive.

    Examples:
        >>> f = torch.eye(3)
        >>> [round(info_nce(f, g, temperature=0.5).item(), 2) for g in (f, f.roll(1, 0))]
        [0.24, 2.24]
    """
    _check_shapes(f, g)
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    f, g, rows = valid(f, g, rows)
    with torch.autocast(f.device.type, enabled=False):
        both = torch.cat([F.normalize(f[rows], dim=1), F.normalize(g[rows], dim=1)], 1)
        all_f, all_g = rows_of_all_ranks(both).chunk(2, 1)
        if len(all_f) < 2:
            return 0 * (f.sum() + g.sum())
        cosines = all_f @ all_g.T / temperature
        own = torch.arange(len(cosines), device=cosines.device)
        return (F.cross_entropy(cosines, own) + F.cross_entropy(cosines.T, own)) / 2


def _check_shapes(f: Tensor, g: Tensor) -> None:
    if f.shape != g.shape:
        raise ValueError(
            f"f and g must have the same shape, got {tuple(f.shape)} and {tuple(g.shape)}"
        )
