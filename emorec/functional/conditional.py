"""Soft-HGR of what two feature sets share beyond a known variable.

The face and the voice of a clip share above all the speaker's identity, and soft-HGR rewards
whatever is shared. Here each speaker's mean is subtracted first. This conditional form is ours;
plain soft-HGR (Wang et al., AAAI 2019, https://arxiv.org/abs/1811.08979) does not condition.
"""

import torch
from torch import Tensor

from emorec.functional.distributed import sum_over_ranks
from emorec.functional.hgr import soft_hgr
from emorec.functional.moments import valid


def conditional_soft_hgr(
    f: Tensor,
    g: Tensor,
    groups: Tensor,
    count: int,
    rows: Tensor | None = None,
    *,
    unbiased: bool = True,
) -> Tensor:
    r"""Return soft-HGR of features centred within groups, such as speakers.

    .. math:: S = \frac{1}{n-G}\sum_i \tilde f_i^\top \tilde g_i
              - \frac12 \operatorname{tr}(C_f C_g), \qquad
              \tilde f_i = f_i - \bar f_{s(i)}, \quad C_f = \tilde F^\top \tilde F/(n-G)

    over the n valid rows of all ranks, where s(i) is the group of row i and G the number of groups
    with a valid row. S is invariant to a constant added to all rows of a group, so features that
    differ only between groups give 0. With one group it is :func:`soft_hgr`.

    Args:
        f: (B, k) real features; float16 and bfloat16 are computed in float32, with autocast off.
        g: (B, k), the features of the same rows.
        groups: int64 (B,), the group of each row, below ``count``; -1: the row is ignored.
        count: Upper bound of the groups, the same on each rank.
        rows: bool (B,), the valid rows; None: all. B and the valid rows may differ
            from rank to rank; a rank without a valid row must still call it.
        unbiased: Divide by n - G (else n).

    Returns:
        A scalar, float32 or wider, the same on each rank; 0 with a zero gradient where no group
        has two rows (n = G). Gradients: see :func:`soft_hgr`.

    Raises:
        ValueError: f and g are not two matrices of the same shape, or groups or rows do not fit.

    Examples:
        >>> f = torch.tensor([[1.0], [2.0], [11.0], [12.0]])
        >>> g = torch.tensor([[1.0], [0.0], [20.0], [21.0]])
        >>> round(conditional_soft_hgr(f, g, torch.tensor([0, 0, 1, 1]), 2).item(), 4)
        -0.125
    """
    f, g, rows = centre_within(f, g, groups, count, rows, unbiased=unbiased)
    return soft_hgr(f, g, rows, unbiased=unbiased)


def centre_within(
    f: Tensor,
    g: Tensor,
    groups: Tensor,
    count: int,
    rows: Tensor | None = None,
    *,
    unbiased: bool = True,
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Return f, g and rows such that their soft-HGR is :func:`conditional_soft_hgr`.

    If unbiased, centred features are multiplied by :math:`\sqrt{(n-1)/(n-G)}`, which turns the
    divisor n - 1 of soft-HGR into n - G. The group means carry no gradient. That is exact for
    losses on covariances of centred features, where the gradients of a group's rows sum to zero;
    do not use it with a loss where they do not.

    Args:
        f: (B, k) features.
        g: (B, m), the features of the same rows.
        groups: int64 (B,), the group of each row, below ``count``; -1: the row is ignored.
        count: Upper bound of the groups, the same on each rank.
        rows: bool (B,), the valid rows; None: all.
        unbiased: Whether the soft-HGR that follows divides by n - 1 (else n).

    Returns:
        (B, k) and (B, m), float32 or wider, centred over the valid rows of all ranks, zero in the
        others; bool (B,), the valid rows: those of ``rows`` whose group is known.

    Raises:
        ValueError: f, g, groups and rows do not fit each other.
    """
    if groups.shape != f.shape[:1] or groups.dtype != torch.int64:
        raise ValueError(
            f"groups must be int64 of shape ({len(f)},), got {groups.dtype} {tuple(groups.shape)}"
        )
    f, g, rows = valid(f, g, rows)
    rows = rows & (groups >= 0)
    with torch.autocast(f.device.type, enabled=False):
        both = torch.cat([f, g], 1).masked_fill(~rows.unsqueeze(1), 0)
        own = torch.cat([both.detach(), rows.to(both.dtype).unsqueeze(1)], 1)
        # Ignored rows are zero, so it does not matter where they are added.
        index = groups.clamp(min=0)
        total = sum_over_ranks(own.new_zeros(count, own.shape[1]).index_add_(0, index, own))
        sizes = total[:, -1]
        means = (total[:, :-1] / sizes.clamp(min=1).unsqueeze(1))[index]
        both = (both - means).masked_fill(~rows.unsqueeze(1), 0)
        if unbiased:
            n, used = sizes.sum(), (sizes > 0).sum()
            # With n = G each row is its own mean: all zeros, whatever the factor.
            both = both * ((n - 1).clamp(min=0) / (n - used).clamp(min=1)).sqrt()
        return both[:, : f.shape[1]], both[:, f.shape[1] :], rows
