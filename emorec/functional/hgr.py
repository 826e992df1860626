"""Soft-HGR maximal correlation of two sets of features, exact over all rows of all ranks.

Wang et al., "An Efficient Approach to Informative Feature Extraction from Multimodal Data",
AAAI 2019, https://arxiv.org/abs/1811.08979; used by Ma et al., "Common Information...", Applied
Sciences 2020, 10(20):7239, equations (2), (4) and (8).
"""

from contextlib import AbstractContextManager, nullcontext
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
    if rows is not None and (rows.shape != f.shape[:1] or rows.dtype != torch.bool):
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
    def forward(ctx: Any, f: Tensor, g: Tensor, rows: Tensor | None, unbiased: bool) -> Any:
        """Compute S; see the module's function for shapes."""
        dtype = torch.promote_types(torch.promote_types(f.dtype, g.dtype), torch.float32)
        with _no_autocast(f):
            fc, gc, n = _centred(f.to(dtype), g.to(dtype), rows)
            # Fewer than two rows are their own mean: all that follows is zero without a division.
            scale = 1 / (n - 1 if unbiased else n).clamp(min=1)
            if world_size() == 1 and f.shape[0] < f.shape[1]:
                # tr(C_f C_g) = ||F G'||^2 / (n-1)^2, and the n x n product is the smaller one.
                cross = (fc @ gc.T).mul_(scale)
                inner = cross.trace()
                trace = cross.flatten().dot(cross.flatten())
                ctx.save_for_backward(fc, gc, scale, cross)
            else:
                cov_f, cov_g, inner = _moments(fc, gc)
                cov_f, cov_g, inner = cov_f.mul_(scale), cov_g.mul_(scale), inner * scale
                trace = cov_f.flatten().dot(cov_g.flatten())
                ctx.save_for_backward(fc, gc, scale, cov_f, cov_g)
        ctx.dtypes = f.dtype, g.dtype
        ctx.mark_non_differentiable(inner)
        return inner - trace / 2, inner

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> Any:
        """Return the gradients of f and g for this rank's rows."""
        fc, gc, scale, *saved = ctx.saved_tensors
        with _no_autocast(fc):
            if len(saved) == 1:
                cross = saved[0]
                df = torch.addmm(gc, cross, gc, alpha=-1)
                dg = torch.addmm(fc, cross.T, fc, alpha=-1)
            else:
                cov_f, cov_g = saved
                df = torch.addmm(gc, fc, cov_g, alpha=-1)
                dg = torch.addmm(fc, gc, cov_f, alpha=-1)
            # DistributedDataParallel averages over ranks; S is one number, not a mean of ranks.
            factor = grad * scale * world_size()
            df, dg = df.mul_(factor), dg.mul_(factor)
        return df.to(ctx.dtypes[0]), dg.to(ctx.dtypes[1]), None, None


def _centred(f: Tensor, g: Tensor, rows: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return f and g minus their means over the valid rows of all ranks, and their number."""
    if rows is None:
        valid = f.new_ones(len(f))
    else:
        # Masked rows may hold anything, also NaN: replace them, do not multiply by zero.
        zero = f.new_zeros(())
        f, g = (torch.where(rows.unsqueeze(1), x, zero) for x in (f, g))
        valid = rows.to(f.dtype)
    # A product with ones is faster than sum(0).
    total = sum_over_ranks(torch.cat([valid @ f, valid @ g, valid.sum().unsqueeze(0)]))
    n = total[-1]
    mean_f, mean_g = (total[:-1] / n.clamp(min=1)).chunk(2)
    # The rank-one update leaves masked rows at zero.
    return f.addr(valid, mean_f, alpha=-1), g.addr(valid, mean_g, alpha=-1), n


def _moments(fc: Tensor, gc: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return F'F, G'G and the sum of inner products over all ranks."""
    cov_f, cov_g, inner = fc.T @ fc, gc.T @ gc, (fc * gc).sum()
    if world_size() == 1:
        return cov_f, cov_g, inner
    k = len(cov_f)
    flat = sum_over_ranks(torch.cat([cov_f.flatten(), cov_g.flatten(), inner.unsqueeze(0)]))
    return flat[: k * k].view(k, k), flat[k * k : -1].view(k, k), flat[-1]


def _no_autocast(x: Tensor) -> AbstractContextManager[None]:
    """Leave autocast where it is on; entering costs as much as a small matrix product."""
    device = x.device.type
    on = torch.is_autocast_enabled(device)
    return torch.autocast(device, enabled=False) if on else nullcontext()
