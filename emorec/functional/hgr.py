"""Soft-HGR maximal correlation of two feature sets, exact over all rows of all ranks.

Wang et al., "An Efficient Approach to Informative Feature Extraction from Multimodal Data",
AAAI 2019, https://arxiv.org/abs/1811.08979; used by Ma et al., "Common Information...", Applied
Sciences 2020, 10(20):7239, equations (2), (4) and (8).
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from emorec.functional.distributed import sum_over_ranks, world_size


def soft_hgr(f: Tensor, g: Tensor, rows: Tensor | None = None, *, unbiased: bool = True) -> Tensor:
    r"""Return S, the batch estimate of soft-HGR, to be maximised.

    .. math:: S = \frac{1}{n-1}\sum_i \tilde f_i^\top \tilde g_i
              - \frac12 \operatorname{tr}(C_f C_g), \qquad C_f = \tilde F^\top \tilde F/(n-1)

    with features centred over the n valid rows of all ranks. S is invariant to a constant added
    to all rows of f or g, but *not* to their scale: for k independent features of unit variance
    it is about -k/2, and its maximum over f and g is half the sum of the squared HGR singular
    values.

    Args:
        f: (B, k) real features; float16 and bfloat16 are computed in float32, with autocast off.
        g: (B, k), the features of the same rows.
        rows: bool (B,), the valid rows; None: all. B and the valid rows may differ
            from rank to rank; a rank without a valid row must still call it.
        unbiased: Divide by n - 1 (else n).

    Returns:
        A scalar, float32 or wider, the same on each rank. With fewer than two valid rows over all
        ranks it is 0 with a zero gradient. The gradient is scaled so that the mean over ranks,
        which DistributedDataParallel takes, is the gradient of one process with all rows; it
        has the dtype of f and g, and has no second derivative (``once_differentiable``).

    Raises:
        ValueError: f and g are not two matrices of the same shape, or rows does not fit them.

    Examples:
        >>> f = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
        >>> round(soft_hgr(f, f).item(), 4)
        0.8889
    """
    _check([f, g], rows)
    value: Tensor = _Pairs.apply(rows, unbiased, f, g)[0]
    return value


def soft_hgr_stacked(
    f: Tensor, g: Tensor, rows: Tensor | None = None, *, unbiased: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    """Return S of several pairs, each with its own rows, and its two terms.

    Equals one call of :func:`soft_hgr` per pair, with the kernels and sums over ranks of a single
    call: a GPU takes longer to launch the kernels of a pair than to run them.

    Args:
        f: (P, B, k) features of each pair.
        g: (P, B, k), the features of the same rows.
        rows: bool (P, B), the valid rows of each pair; None: all.
        unbiased: Divide by n - 1 (else n).

    Returns:
        As :func:`soft_hgr_pairs`: S, the mean inner product and half of tr(C_f C_g), (P,) each.

    Raises:
        ValueError: f and g do not have the same shape (P, B, k), or rows does not fit them.
    """
    _check([f, g], rows, "pairs", "rows", "features")
    s, inner = _Pairs.apply(rows, unbiased, f, g)
    return s, inner, inner - s.detach()


def soft_hgr_pairs(
    sets: Sequence[Tensor], rows: Tensor | None = None, *, unbiased: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    """Return S of each pair of feature sets of the same rows, and its two terms.

    What pairs share is computed once, so three sets cost about half of three calls of
    :func:`soft_hgr`.

    Args:
        sets: Two or more (B, k) features.
        rows: bool (B,), the valid rows of all pairs; None: all.
        unbiased: Divide by n - 1 (else n).

    Returns:
        S, the mean inner product of the centred features, and half of tr(C_f C_g): (P,) each,
        for the P pairs in the order of :func:`itertools.combinations`, with S = second - third.
        Only S carries a gradient; see :func:`soft_hgr`.

    Raises:
        ValueError: The sets are not matrices of the same shape, or rows does not fit them.
    """
    _check(sets, rows)
    s, inner = _SoftHGR.apply(rows, unbiased, *sets)
    return s, inner, inner - s.detach()


def _check(sets: Sequence[Tensor], rows: Tensor | None, *axes: str) -> None:
    axes = axes or ("rows", "features")
    shapes = [tuple(x.shape) for x in sets]
    if len(sets) < 2 or len(shapes[0]) != len(axes) or len(set(shapes)) > 1:
        raise ValueError(
            f"soft_hgr needs two or more feature sets of the same shape ({', '.join(axes)}), got "
            f"{' and '.join(map(str, shapes))}"
        )
    if rows is not None and (rows.shape != shapes[0][:-1] or rows.dtype != torch.bool):
        raise ValueError(
            f"rows must be a bool mask of shape {shapes[0][:-1]}, got {rows.dtype} "
            f"{tuple(rows.shape)}"
        )


class _Pairs(torch.autograd.Function):
    """S of one pair (B, k), or of P pairs (P, B, k), and its gradient, as in :class:`_SoftHGR`."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor | None, unbiased: bool, f: Tensor, g: Tensor) -> Any:
        """Compute S; see :func:`soft_hgr_stacked` for shapes."""
        ctx.dtypes = (f.dtype, g.dtype)
        dtype = reduce(torch.promote_types, ctx.dtypes, torch.float32)
        with _no_autocast(f):
            f, g = f.to(dtype), g.to(dtype)
            if rows is None and world_size() == 1:  # without a kernel for each number
                f, g = f - f.mean(-2, keepdim=True), g - g.mean(-2, keepdim=True)
                scale: Any = 1 / max(f.shape[-2] - unbiased, 1)
                wide: Any = scale
            else:
                (f, g), n = _centred(torch.stack([f, g]), rows)
                scale = (1 / (n - 1 if unbiased else n).clamp(min=1)).expand(f.shape[:-2])
                wide = scale.view(*scale.shape, 1, 1)
            ctx.small = world_size() == 1 and f.shape[-2] < f.shape[-1]
            if ctx.small:
                # tr(C_f C_g) = ||F G'||^2 / (n-1)^2, and the n x n product is smaller.
                products = [(f @ g.mT).mul_(wide)]
                inner = products[0].diagonal(dim1=-2, dim2=-1).sum(-1)
                trace = products[0].square().sum((-2, -1))
            else:
                products, inner = [f.mT @ f, g.mT @ g], (f * g).sum((-2, -1))
                if world_size() > 1:
                    products, inner = _summed(products, inner)
                products, inner = [each.mul_(wide) for each in products], inner * scale
                trace = (products[0] * products[1]).sum((-2, -1))
        ctx.save_for_backward(f, g, *products)
        ctx.scale = scale
        ctx.mark_non_differentiable(inner)
        return inner - trace / 2, inner

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> Any:
        """Return the gradients of both sides for this rank's rows."""
        f, g, *products = ctx.saved_tensors
        add = torch.addmm if f.ndim == 2 else torch.baddbmm
        weight = grad.to(f.dtype) * ctx.scale * world_size()
        weight = weight.view(*weight.shape, 1, 1)
        with _no_autocast(f):
            if ctx.small:
                cross = products[0]
                df, dg = add(g, cross, g, alpha=-1), add(f, cross.mT, f, alpha=-1)
            else:
                df, dg = add(g, f, products[1], alpha=-1), add(f, g, products[0], alpha=-1)
        return None, None, df.mul_(weight).to(ctx.dtypes[0]), dg.mul_(weight).to(ctx.dtypes[1])


class _SoftHGR(torch.autograd.Function):
    """S of all pairs and its analytic gradient: dS/df_i = (g_i - C_g f_i) / (n-1), centred rows.

    Rows are reduced, never gathered: two sums over ranks in forward, no collective in backward.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor | None, unbiased: bool, *sets: Tensor) -> Any:
        """Compute S; see :func:`soft_hgr_pairs` for shapes."""
        dtype = reduce(torch.promote_types, (x.dtype for x in sets), torch.float32)
        with _no_autocast(sets[0]):
            x, n = _centred(torch.stack([each.to(dtype) for each in sets]), rows)
            # Fewer than two rows equal their mean: everything below is zero, without a division.
            scale = 1 / (n - 1 if unbiased else n).clamp(min=1)
            ctx.small = world_size() == 1 and x.shape[1] < x.shape[2]
            if ctx.small:
                # tr(C_f C_g) = ||F G'||^2 / (n-1)^2, and the n x n product is smaller.
                products = _cross_grams(x).mul_(scale)
                blocks = products.view(*x.shape[:2], *x.shape[:2])
                inner = blocks.diagonal(dim1=1, dim2=3).sum(-1)
                trace = blocks.square().sum((1, 3))
            else:
                products, inner = _moments(x)
                products, inner = products.mul_(scale), inner * scale
                trace = products.flatten(1) @ products.flatten(1).T
        pairs = torch.triu_indices(len(x), len(x), 1, device=x.device).unbind()
        inner, trace = inner[pairs], trace[pairs]
        ctx.save_for_backward(x, products, scale, *pairs)
        ctx.dtypes = [each.dtype for each in sets]
        ctx.mark_non_differentiable(inner)
        return inner - trace / 2, inner

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> Any:
        """Return the gradients of the sets for this rank's rows."""
        x, products, scale, *pairs = ctx.saved_tensors
        count, n, k = x.shape
        weight = x.new_zeros(count, count).index_put_(tuple(pairs), grad.to(x.dtype))
        # DistributedDataParallel averages over ranks; S is one number, not a mean of ranks.
        weight = (weight + weight.T) * (scale * world_size())
        with _no_autocast(x):
            if ctx.small:
                # One product for all sets: weight x identity - weight x products, block by block.
                blocks = (products + products.T).view(count, n, count, n)
                blocks.mul_(weight.neg().view(count, 1, count, 1))
                blocks.diagonal(dim1=1, dim2=3).add_(weight.unsqueeze(-1))
                change = blocks.view(count * n, count * n) @ x.view(count * n, k)
            else:
                other = (weight @ products.flatten(1)).view_as(products)
                change = (weight @ x.flatten(1)).view_as(x).baddbmm_(x, other, alpha=-1)
        gradients = change.view_as(x).unbind()
        return None, None, *(d.to(t) for d, t in zip(gradients, ctx.dtypes, strict=True))


def _centred(x: Tensor, rows: Tensor | None) -> tuple[Tensor, Tensor]:
    """Subtract from sets, in place, their means over the valid rows of all ranks.

    Args:
        x: (m, B, k), or (m, P, B, k) for P pairs with their own rows.
        rows: The valid rows, (B,) or (P, B); None: all.

    Returns:
        The sets, masked rows zero, and the number of valid rows, () or (P,).
    """
    if rows is None:
        valid = x.new_ones(x.shape[-2])
    else:
        # Masked rows may hold anything, even NaN: replace them, do not multiply by zero.
        x = x.masked_fill_(~rows.unsqueeze(-1), 0)
        valid = rows.to(x.dtype)
    # A product with ones is faster than sum(-2).
    sums, n = valid.unsqueeze(-2) @ x, valid.sum(-1)
    if world_size() > 1:
        total = sum_over_ranks(torch.cat([sums.flatten(), n.flatten()]))
        sums, n = total[: sums.numel()].view_as(sums), total[sums.numel() :].view_as(n)
    mean = sums / n.clamp(min=1).unsqueeze(-1).unsqueeze(-1)
    return x.addcmul_(valid.unsqueeze(-1), mean, value=-1), n


def _summed(products: list[Tensor], inner: Tensor) -> tuple[list[Tensor], Tensor]:
    """Return two covariances and inner products, summed over all ranks in one call."""
    found = torch.stack(products)
    total = sum_over_ranks(torch.cat([found.flatten(), inner.flatten()]))
    size = found.numel()
    return list(total[:size].view_as(found)), total[size:].view_as(inner)


def _cross_grams(x: Tensor) -> Tensor:
    """Return the blocks F G' of pairs above the diagonal of a (m B, m B) matrix, zero below."""
    count, n, k = x.shape
    flat = x.view(count * n, k)
    out = x.new_zeros(count * n, count * n)
    for end in (n * i for i in range(1, count)):
        torch.mm(flat[end - n : end], flat[end:].T, out=out[end - n : end, end:])
    return out


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return each set's F'F (m, k, k) and the inner products of sets (m, m), over all ranks."""
    covariances, inner = x.mT @ x, x.flatten(1) @ x.flatten(1).T
    if world_size() == 1:
        return covariances, inner
    flat = sum_over_ranks(torch.cat([covariances.flatten(), inner.flatten()]))
    return flat[: -inner.numel()].view_as(covariances), flat[-inner.numel() :].view_as(inner)


def _no_autocast(x: Tensor) -> AbstractContextManager[None]:
    """Disable autocast only if enabled: entering costs as much as a small matrix product."""
    device = x.device.type
    on = torch.is_autocast_enabled(device)
    return torch.autocast(device, enabled=False) if on else nullcontext()
