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
    """Return the supervised contrastive loss.

    For each row, the mean over all other rows of its class of minus the log-softmax of the scaled
    cosine; then the mean over rows that share their class with another. The valid rows of all ranks
    take part.

    Args:
        f: (B, k) features; float16 and bfloat16 are computed in float32, with autocast off.
        target: int64 (B,), the class.
        rows: bool (B,), the valid rows; None: all.
        temperature: Divides the cosines.

    Returns:
        A scalar to be minimised, float32 or wider, the same on each rank; 0 with a zero gradient
        if no class has two rows.

    Raises:
        ValueError: The temperature is not positive.

    Examples:
        >>> f = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
        >>> apart = supervised_contrastive(f, torch.tensor([0, 0, 1, 1]))
        >>> bool(apart < supervised_contrastive(f, torch.tensor([0, 1, 0, 1])))
        True
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    x, y = all_labelled(f, target, rows)
    with torch.autocast(f.device.type, enabled=False):
        others = ~torch.eye(len(x), dtype=torch.bool, device=x.device)
        positives = (y.unsqueeze(0) == y.unsqueeze(1)) & others
        anchors = positives.any(1)
        if not anchors.any():
            return 0 * x.sum()
        cosines = (x @ x.T / temperature).masked_fill(~others, -torch.inf)
        log_p = cosines.log_softmax(1).masked_fill(~positives, 0)
        return -(log_p.sum(1) / positives.sum(1).clamp(min=1))[anchors].mean()


def all_labelled(f: Tensor, target: Tensor, rows: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the valid rows of all ranks: features scaled to length 1, and their classes.

    Args:
        f: (B, k) features.
        target: int64 (B,).
        rows: bool (B,), the valid rows; None: all.
    """
    rows = torch.ones_like(target, dtype=torch.bool) if rows is None else rows
    with torch.autocast(f.device.type, enabled=False):
        kept = f[rows].to(torch.promote_types(f.dtype, torch.float32))
        x = rows_of_all_ranks(F.normalize(kept, dim=1))
        y = rows_of_all_ranks(target[rows].to(x.dtype))
    return x, y.detach().long()
