"""The symmetric InfoNCE loss between two feature sets, exact over all rows of all ranks.

van den Oord, Li, Vinyals, "Representation Learning with Contrastive Predictive Coding", 2018,
https://arxiv.org/abs/1807.03748, equation (4); in both directions as in Radford et al. 2021,
https://arxiv.org/abs/2103.00020, figure 3.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from emorec.functional.distributed import rows_of_all_ranks
from emorec.functional.moments import valid


def info_nce(
    f: Tensor, g: Tensor, rows: Tensor | None = None, *, temperature: float = 0.1
) -> Tensor:
    """Return how badly each row of f finds its own row of g among all rows, and the reverse.

    The mean of both cross-entropies over scaled cosines; the valid rows of all ranks are each
    other's negatives. They are gathered, unlike those of the losses on moments.

    Args:
        f: (B, k) features; float16 and bfloat16 are computed in float32, with autocast off.
        g: (B, k) features of the same rows.
        rows: bool (B,), the rows that count; all where None.
        temperature: Divides the cosines.

    Returns:
        A scalar of at least 0 in nats, float32 or wider, the same on each rank, which training
        minimises; 0 with a zero gradient with fewer than two valid rows. For the gradient on
        ranks see :func:`emorec.functional.soft_hgr`.

    Raises:
        ValueError: f and g are not two matrices of the same shape, rows does not fit them, or
            the temperature is not positive.
    """
    if f.shape != g.shape:
        raise ValueError(f"features of one shape, got {tuple(f.shape)} and {tuple(g.shape)}")
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
