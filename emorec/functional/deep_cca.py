"""Deep canonical correlation analysis, exact over all rows of all ranks.

Andrew, Arora, Bilmes, Livescu, "Deep Canonical Correlation Analysis", ICML 2013,
https://proceedings.mlr.press/v28/andrew13.html, equations (9) to (11).
"""

import torch
from torch import Tensor

from emorec.functional.moments import moments


def deep_cca(f: Tensor, g: Tensor, rows: Tensor | None = None, *, ridge: float = 1e-3) -> Tensor:
    """Return the sum of the canonical correlations of two feature sets, which training maximises.

    They are the singular values of the cross-covariance between features that are whitened with
    a ridge on their covariances. Unlike soft-HGR it inverts matrices, at a cost of k^3, and it
    needs more rows than features or a large ridge: with fewer every set reaches the maximum.

    Args:
        f: (B, k) features; float16 and bfloat16 are computed in float32, with autocast off.
        g: (B, m) features of the same rows.
        rows: bool (B,), the rows that count; all where None.
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
