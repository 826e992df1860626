"""The loss of Barlow Twins, exact over all rows of all ranks.

Zbontar, Jing, Misra, LeCun, Deny, "Barlow Twins: Self-Supervised Learning via Redundancy
Reduction", ICML 2021, https://arxiv.org/abs/2103.03230, equations (1) and (2).
"""

import torch
from torch import Tensor

from emorec.functional.moments import moments


def barlow_twins(
    f: Tensor, g: Tensor, rows: Tensor | None = None, *, off_diagonal: float = 5e-3
) -> Tensor:
    r"""Return how far the cross-correlation matrix of two feature sets is from the identity.

    .. math:: \sum_i (1 - c_{ii})^2 + \lambda \sum_{i \ne j} c_{ij}^2

    Args:
        f: (B, k) features; float16 and bfloat16 are computed in float32, with autocast off.
        g: (B, k) features of the same rows.
        rows: bool (B,), the rows that count; all where None.
        off_diagonal: The paper's lambda.

    Returns:
        A scalar of at least 0, float32 or wider, the same on each rank, which training
        minimises; 0 with a zero gradient with fewer than two valid rows. For the gradient on
        ranks see :func:`emorec.functional.soft_hgr`.

    Raises:
        ValueError: f and g are not two matrices of the same shape, or rows does not fit them.
    """
    if f.shape != g.shape:
        raise ValueError(f"features of one shape, got {tuple(f.shape)} and {tuple(g.shape)}")
    m = moments(f, g, rows)
    with torch.autocast(f.device.type, enabled=False):
        tiny = torch.finfo(m.cross.dtype).eps
        scale_f, scale_g = ((m_.diagonal() + tiny).rsqrt() for m_ in (m.cov_f, m.cov_g))
        c = m.cross * scale_f.unsqueeze(1) * scale_g
        on = (1 - c.diagonal()).square().sum()
        off = c.square().sum() - c.diagonal().square().sum()
        return torch.where(m.n >= 2, on + off_diagonal * off, 0 * on)
