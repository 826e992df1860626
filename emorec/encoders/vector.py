"""Fully connected layers on a vector, such as acoustic functionals."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from typing_extensions import override

from emorec.encoders.base import Encoder
from emorec.errors import UserError


class DroppedLinear(nn.Linear):
    """A linear layer of an input with dropout, which draws the sums and not each of their terms.

    Fast dropout (Wang and Manning 2013, section 2): what a unit sums over many dropped inputs is
    close to normal, with the mean of the sum without dropout and the variance of x w times rate /
    (1 - rate). For thousands of inputs this takes a third of the time of masks.

    Args:
        inputs: Input values.
        units: Output values.
        rate: Share of the inputs that are dropped in training, 0 to below 1.
    """

    def __init__(self, inputs: int, units: int, rate: float) -> None:
        super().__init__(inputs, units)
        self.rate = rate

    @override
    def forward(self, x: Tensor) -> Tensor:
        """Return (B, units) of (B, inputs)."""
        mean = super().forward(x)
        if not self.training:
            return mean
        variance = linear(x.square(), self.weight.square()) * (self.rate / (1 - self.rate))
        return mean + variance.clamp(min=1e-12).sqrt() * torch.randn_like(mean)


class VectorEncoder(Encoder):
    """``layers`` fully connected layers with ReLU and dropout, the last one of ``dim`` units.

    The acoustic encoder of Liang et al. 2020 (https://arxiv.org/abs/2009.02598) is ``inputs: 1582,
    widths: [512, 256], dim: 128, dropout: 0, activate: true``.

    Args:
        inputs: Input values per window; :class:`~emorec.extractors.Functionals` gives 96.
        dim: Feature dimension.
        layers: Number of layers, at least 1.
        width: Units of each layer before the last.
        dropout: Dropout before each layer but the first, 0 to below 1.
        widths: Units of each layer before the last, instead of ``layers`` and ``width``; empty: a
            single layer.
        activate: ReLU after the last layer too: features are at least 0.
        input_dropout: Dropout before the first layer, 0 to below 1, see :class:`DroppedLinear`.
        limit: Standardised inputs are limited to +- this, so that a number that hardly varied in
            training cannot overwhelm all others; None: no limit.

    Raises:
        UserError: A size is below 1, the limit is not positive, or a rate is out of bounds.
    """

    def __init__(
        self,
        inputs: int = 96,
        dim: int = 512,
        layers: int = 2,
        width: int = 256,
        dropout: float = 0.2,
        widths: list[int] | None = None,
        activate: bool = False,
        input_dropout: float = 0.0,
        limit: float | None = 10.0,
    ) -> None:
        super().__init__()
        if not 0 <= input_dropout < 1:
            raise UserError(f"input_dropout must be from 0 to below 1, got {input_dropout}")
        if min(inputs, dim, layers, width, *(widths or [])) < 1:
            raise UserError("inputs, dim, layers, width and each of widths must be at least 1")
        if limit is not None and limit <= 0:
            raise UserError(f"limit must be above 0 or None, got {limit}")
        self.inputs, self.dim, self.limit = inputs, dim, limit
        units = [inputs, *([width] * (layers - 1) if widths is None else widths), dim]
        # The place of the dropout that was here before: names of parameters stay.
        steps: list[nn.Module] = [nn.Identity()] if input_dropout else []
        first, second = units[:2]
        steps.append(
            DroppedLinear(first, second, input_dropout)
            if input_dropout
            else nn.Linear(first, second)
        )
        for before, after in pairwise(units[1:]):
            steps += [nn.ReLU(), nn.Dropout(dropout), nn.Linear(before, after)]
        self.layers = nn.Sequential(*steps, *([nn.ReLU()] if activate else []))

    @override
    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, dim) of standardised vectors (B, inputs).

        Raises:
            UserError: The length of the vectors is not ``inputs``.
        """
        if x.shape[1:] != (self.inputs,):
            raise UserError(
                f"VectorEncoder has inputs: {self.inputs}, but the data has "
                f"{' x '.join(map(str, x.shape[1:]))} values per window"
            )
        if self.limit is not None:
            x = x.clamp(-self.limit, self.limit)
        features: Tensor = self.layers(x)
        return features
