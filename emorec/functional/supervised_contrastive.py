"""The supervised contrastive loss, exact over all rows of all ranks.

Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, https://arxiv.org/abs/2004.11362,
equation (2), L_out.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from emorec.functional.distributed import rows_of_all_ranks


def supervised_contrastive(
    f: Tensor, target: Tensor, rows: Tensor | None = None, *, temperature: float = 0.1
) -> Tensor:
    """Return how badly rows of one class find each other among all rows.

    For each row the mean, over all other rows of its class, of minus the log share of the scaled
    cosine; then the mean over rows that have another one of their class. The valid rows of all
    ranks take part.

    Args:
        f: (B, k) features; float16 and bfloat16 are computed in float32, with autocast off.
        target: int64 (B,), the class.
        rows: bool (B,), the rows that count; all where None.
        temperature: Divides the cosines.

    Returns:
        A scalar, float32 or wider, the same on each rank, which training minimises; 0 with a zero
        gradient where no class has two rows.

    Raises:
        ValueError: The temperature is not positive.
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    x, y = all_labelled(f, target, rows)
    with torch.autocast(f.device.type, enabled=False):
        others = ~torch.eye(len(x), dtype=torch.bool, device=x.device)
        alike = (y.unsqueeze(0) == y.unsqueeze(1)) & others
        found = alike.any(1)
        if not found.any():
            return 0 * x.sum()
        cosines = (x @ x.T / temperature).masked_fill(~others, -torch.inf)
        shares = cosines.log_softmax(1).masked_fill(~alike, 0)
        return -(shares.sum(1) / alike.sum(1).clamp(min=1))[found].mean()


def all_labelled(f: Tensor, target: Tensor, rows: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the valid rows of all ranks, features of length 1 and their classes.

    Args:
        f: (B, k) features.
        target: int64 (B,).
        rows: bool (B,), the rows that count; all where None.
    """
    rows = torch.ones_like(target, dtype=torch.bool) if rows is None else rows
    with torch.autocast(f.device.type, enabled=False):
        kept = f[rows].to(torch.promote_types(f.dtype, torch.float32))
        x = rows_of_all_ranks(F.normalize(kept, dim=1))
        y = rows_of_all_ranks(target[rows].to(x.dtype))
    return x, y.detach().long()
