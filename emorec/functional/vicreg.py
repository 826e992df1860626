"""The loss of VICReg, exact over all rows of all ranks.

Bardes, Ponce, LeCun, "VICReg: Variance-Invariance-Covariance Regularization for Self-Supervised
Learning", ICLR 2022, https://arxiv.org/abs/2105.04906, equations (1) to (6).
"""

import torch
from torch import Tensor

from emorec.functional.distributed import add_over_ranks
from emorec.functional.moments import moments, valid


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
    """Return the weighted sum of VICReg's terms, which training minimises.

    Invariance: mean squared distance of f and g, as in the paper over rows, summed over
    features. Variance: mean over features of how much each deviation stays below ``deviation``,
    added for f and g. Covariance: squared covariances between different features, divided by
    their number, added for f and g. (The authors' code divides the first by the number of
    features and the second by two; the weights can make up for it.)

    Args:
        f: (B, k) features; float16 and bfloat16 are computed in float32, with autocast off.
        g: (B, k) features of the same rows.
        rows: bool (B,), the rows that count; all where None.
        invariance: The paper's lambda.
        variance: The paper's mu.
        covariance: The paper's nu.
        deviation: The least standard deviation that is aimed at (the paper's gamma).

    Returns:
        A scalar of at least 0, float32 or wider, the same on each rank; 0 with a zero gradient
        with fewer than two valid rows. For the gradient on ranks see
        :func:`emorec.functional.soft_hgr`.

    Raises:
        ValueError: f and g are not two matrices of the same shape, or rows does not fit them.
    """
    if f.shape != g.shape:
        raise ValueError(f"features of one shape, got {tuple(f.shape)} and {tuple(g.shape)}")
    m = moments(f, g, rows)
    f, g, _ = valid(f, g, rows)
    with torch.autocast(f.device.type, enabled=False):
        distance = add_over_ranks((f - g).square().sum()) / m.n.clamp(min=1)
        total = invariance * distance
        for cov in (m.cov_f, m.cov_g):
            spread = (cov.diagonal() + 1e-4).sqrt()  # the paper's epsilon
            total = total + variance * torch.relu(deviation - spread).mean()
            off = cov.square().sum() - cov.diagonal().square().sum()
            total = total + covariance * off / len(cov)
        return torch.where(m.n >= 2, total, 0 * total)
