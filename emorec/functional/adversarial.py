"""Losses of generative adversarial networks, row by row."""

from collections.abc import Mapping
from itertools import combinations
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

from emorec.functional.distributed import sum_over_ranks
from emorec.functional.hgr import soft_hgr

Form = Literal["hinge", "minimax"]


def critic_losses(scores: Tensor, *, real: bool, form: Form = "hinge") -> Tensor:
    """Return what a critic minimises for each row, float (B,).

    ``hinge``: max(0, 1 - D) for real rows, max(0, 1 + D) for generated ones (Miyato et al. 2018,
    https://arxiv.org/abs/1802.05957). ``minimax``: -log p and -log(1 - p) with p = sigmoid(D)
    (Goodfellow et al. 2014; with a class, Mirza and Osindero 2014, https://arxiv.org/abs/1411.1784).

    Args:
        scores: D(x, c), (B,).
        real: Whether the rows are real.
        form: Of the loss.
    """
    signed = -scores if real else scores
    return (1 + signed).relu() if form == "hinge" else softplus(signed)


def generator_losses(scores: Tensor, *, form: Form = "hinge") -> Tensor:
    """Return what a generator minimises for each of its samples, float (B,).

    ``hinge``: -D. ``minimax``: log(1 - sigmoid(D)), the original, whose gradient vanishes where the
    critic is sure.

    Args:
        scores: D(G(z, c), c), (B,).
        form: Of the loss.
    """
    return -scores if form == "hinge" else -softplus(scores)


def common_information(features: Mapping[str, Tensor], rows: Tensor) -> Tensor:
    """Return soft-HGR of features of :func:`unit_variance`, summed over all pairs; a scalar.

    Args:
        features: Name -> (B, k), with the same k for all.
        rows: bool (B,), the valid rows.
    """
    scaled = [unit_variance(x, rows) for x in features.values()]
    pairs = [soft_hgr(f, g, rows) for f, g in combinations(scaled, 2)]
    return torch.stack(pairs).sum() if pairs else torch.zeros((), device=rows.device)


def unit_variance(f: Tensor, rows: Tensor | None = None) -> Tensor:
    """Return features divided by their standard deviations, through which no gradient flows.

    So that a correlation such as soft-HGR cannot be raised by making features larger. Deviations
    are those of the valid rows of all ranks; a constant feature stays as it is.

    Args:
        f: (B, k) features; float16 and bfloat16 become float32.
        rows: bool (B,), the valid rows; None: all.
    """
    f = f.float() if f.dtype.itemsize < 4 else f
    valid = f.detach() if rows is None else f.detach()[rows]
    count = valid.new_tensor([float(len(valid))])
    total = sum_over_ranks(torch.cat([valid.sum(0), count]))
    n = total[-1].clamp(min=1)
    squares = sum_over_ranks((valid - total[:-1] / n).square().sum(0))
    deviation = (squares / (n - 1).clamp(min=1)).sqrt()
    return f / deviation.masked_fill(deviation < 1e-6, 1.0)
