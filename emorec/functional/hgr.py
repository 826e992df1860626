"""Soft-HGR maximal correlation of two sets of features, exact over all rows of all ranks.

Wang et al., "An Efficient Approach to Informative Feature Extraction from Multimodal Data",
AAAI 2019, https://arxiv.org/abs/1811.08979; used by Ma et al., "Common Information...", Applied
Sciences 2020, 10(20):7239, equations (2), (4) and (8).
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from emorec.functional.distributed import sum_over_ranks, world_size


def soft_hgr(f: Tensor, g: Tensor, rows: Tensor | None = None, *, unbiased: bool = True) -> Tensor:
    r"""Return S, the batch estimate of soft-HGR, which training maximises.

    .. math:: S = \frac{1}{n-1}\sum_i \tilde f_i^\top \tilde g_i
              - \frac12 \operatorname{tr}(C_f C_g), \qquad C_f = \tilde F^\top \tilde F/(n-1)

    with features centred over the n valid rows of all ranks. S is unchanged by a constant added
    to all rows of f or g, and is *not* unchanged by their scale: for k independent features of
    unit variance it is about -k/2, and its maximum over f and g is half of the sum of the squared
    HGR singular values.

    Args:
        f: (B, k) real features; float16 and bfloat16 are computed in float32, with autocast off.
        g: (B, k), the features of the same rows.
        rows: bool (B,), the rows that count; all where None. B and the valid rows may differ
            from rank to rank; a rank without a valid row must call all the same.
        unbiased: Divide by n - 1 (else n).

    Returns:
        A scalar, float32 or wider, the same on each rank. With fewer than two valid rows over all
        ranks it is 0 with a zero gradient. The gradient is scaled so that the mean over ranks,
        which DistributedDataParallel takes, is the gradient of one process holding all rows; it
        has the dtype of f and g, and can be taken once only (``once_differentiable``).

    Raises:
        ValueError: f and g are not two matrices of the same shape, or rows does not fit them.

    Example:
        >>> f = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
        >>> round(soft_hgr(f, f).item(), 4)
        0.8889
    """
    return soft_hgr_terms(f, g, rows, unbiased=unbiased)[0]


def soft_hgr_terms(
    f: Tensor, g: Tensor, rows: Tensor | None = None, *, unbiased: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Return S of :func:`soft_hgr` and its two terms, for logging.

    Args:
        f: (B, k) features.
        g: (B, k) features.
        rows: bool (B,), the rows that count.
        unbiased: Divide by n - 1 (else n).

    Returns:
        S, the mean inner product of the centred features, and half of tr(C_f C_g): three scalars
        with S = second - third. Only S carries a gradient.

    Raises:
        ValueError: As for :func:`soft_hgr`.
    """
    if f.ndim != 2 or f.shape != g.shape:
        raise ValueError(
            "soft_hgr compares two feature matrices of one shape (rows, features), got "
            f"{tuple(f.shape)} and {tuple(g.shape)}"
        )
    if rows is None:
        rows = torch.ones(len(f), dtype=torch.bool, device=f.device)
    if rows.shape != f.shape[:1] or rows.dtype != torch.bool:
        raise ValueError(
            f"rows is a bool mask of shape ({len(f)},), got {rows.dtype} {tuple(rows.shape)}"
        )
    s, inner = _SoftHGR.apply(f, g, rows, unbiased)
    return s, inner, inner - s.detach()


class _SoftHGR(torch.autograd.Function):
    """S and its analytic gradient: dS/df_i = (g_i - C_g f_i) / (n-1) for centred rows.

    Rows are reduced, never gathered: two sums over ranks in forward, no collective in backward.
    """

    @staticmethod
    def forward(ctx: Any, f: Tensor, g: Tensor, rows: Tensor, unbiased: bool) -> Any:
        """Compute S; see the module's function for shapes."""
        dtype = torch.promote_types(torch.promote_types(f.dtype, g.dtype), torch.float32)
        with torch.autocast(f.device.type, enabled=False):
            # Masked rows may hold anything, also NaN: replace them, do not multiply by zero.
            mask = rows.unsqueeze(1)
            fc = f.to(dtype).masked_fill(~mask, 0)
            gc = g.to(dtype).masked_fill(~mask, 0)
            sums = torch.cat([fc.sum(0), gc.sum(0), rows.sum(dtype=dtype).unsqueeze(0)])
            sums = sum_over_ranks(sums)
            n = sums[-1]
            mean_f, mean_g = (sums[:-1] / n.clamp(min=1)).chunk(2)
            fc = (fc - mean_f).masked_fill(~mask, 0)
            gc = (gc - mean_g).masked_fill(~mask, 0)
            divisor = (n - 1 if unbiased else n).clamp(min=1)
            local = world_size() == 1 and f.shape[0] < f.shape[1]
            if local:
                # tr(C_f C_g) = ||F G'||^2 / (n-1)^2, and the n x n product is the smaller one.
                cross = fc @ gc.T
                inner, trace = cross.diagonal().sum(), cross.square().sum()
                saved = [cross]
            else:
                moments = torch.stack([fc.T @ fc, gc.T @ gc])
                flat = sum_over_ranks(torch.cat([moments.flatten(), (fc * gc).sum().unsqueeze(0)]))
                inner = flat[-1]
                cov_f, cov_g = flat[:-1].view_as(moments)
                trace = (cov_f * cov_g).sum()
                saved = [cov_f, cov_g]
            enough = n >= 2
            inner = torch.where(enough, inner / divisor, torch.zeros_like(inner))
            s = torch.where(enough, inner - trace / divisor**2 / 2, torch.zeros_like(inner))
        ctx.save_for_backward(fc, gc, torch.where(enough, 1 / divisor, 0.0), *saved)
        ctx.dtypes = f.dtype, g.dtype
        ctx.mark_non_differentiable(inner)
        return s, inner

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> Any:
        """Return the gradients of f and g for this rank's rows."""
        fc, gc, scale, *saved = ctx.saved_tensors
        with torch.autocast(fc.device.type, enabled=False):
            if len(saved) == 1:
                cross = saved[0]
                df = gc - scale * (cross @ gc)
                dg = fc - scale * (cross.T @ fc)
            else:
                cov_f, cov_g = saved
                df = gc - scale * (fc @ cov_g)
                dg = fc - scale * (gc @ cov_f)
            # DistributedDataParallel averages over ranks; S is one number, not a mean of ranks.
            factor = grad * scale * world_size()
            return (df * factor).to(ctx.dtypes[0]), (dg * factor).to(ctx.dtypes[1]), None, None
