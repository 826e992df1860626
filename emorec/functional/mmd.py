"""Maximum mean discrepancy between two sets, exact over all rows of all ranks.

Gretton et al., "A Kernel Two-Sample Test", JMLR 13, 2012, equation (5), with the five kernels and
the bandwidth of the public code of Liang, Li, Jin, ACM MM 2020, https://arxiv.org/abs/2009.02598.
"""

import torch
from torch import Tensor

from emorec.functional.distributed import rows_of_all_ranks

KERNELS = 5
NARROWEST = 4.0  # mean squared distance / first bandwidth


def mmd(x: Tensor, y: Tensor) -> Tensor:
    """Return the discrepancy between the distributions of two sets of rows.

    mean(K_xx) + mean(K_yy) - 2 mean(K_xy), the biased estimate of the squared discrepancy, where K
    is the sum over i = 0..4 of exp(-d / (b 2^i)), d the squared distance and b a quarter of the
    mean of d over all pairs of distinct rows of both sets. No gradient flows through b.

    Args:
        x: (N, D); float16 and bfloat16 are computed in float32, with autocast off.
        y: (M, D); rows need not be paired with those of x, and M may differ from N.

    Returns:
        A scalar of at least 0 (up to rounding) and at most 10, float32 or wider, the same on each
        rank; 0 with a zero gradient if a set is empty. For the gradient on ranks see
        :func:`emorec.functional.soft_hgr`.

    Raises:
        ValueError: x and y are not two matrices with the same number of columns.

    Examples:
        >>> x = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
        >>> [round(mmd(x, x + shift).item(), 2) for shift in (0, 1, 10)]
        [0.0, 0.57, 6.7]
    """
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(
            "x and y must be two matrices with the same number of columns, got "
            f"{tuple(x.shape)} and {tuple(y.shape)}"
        )
    dtype = torch.promote_types(torch.promote_types(x.dtype, y.dtype), torch.float32)
    with torch.autocast(x.device.type, enabled=False):
        x, y = rows_of_all_ranks(x.to(dtype)), rows_of_all_ranks(y.to(dtype))
        n, m = len(x), len(y)
        if not n or not m:
            return 0 * (x.sum() + y.sum())
        both = torch.cat([x, y])
        # Centred: far from 0, the expanded squares would cancel.
        both = both - both.detach().mean(0)
        squares = both.square().sum(1)
        distance = (squares.unsqueeze(1) + squares - 2 * both @ both.T).clamp(min=0)
        distance = distance.masked_fill(torch.eye(n + m, dtype=torch.bool, device=x.device), 0)
        width = distance.detach().sum() / ((n + m) * (n + m - 1)) / NARROWEST
        width = width.clamp(min=torch.finfo(dtype).tiny * 2**KERNELS)
        kernel = torch.stack([(-distance / (width * 2**i)).exp() for i in range(KERNELS)]).sum(0)
        return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()
