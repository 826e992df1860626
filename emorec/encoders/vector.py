"""Fully connected layers on a vector, such as acoustic functionals."""

from torch import Tensor, nn
from typing_extensions import override

from emorec.encoders.base import Encoder
from emorec.errors import UserError


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
        input_dropout: Dropout before the first layer, 0 to below 1.
        limit: Standardised inputs are limited to +- this, so that a number that hardly varied in
            training cannot overwhelm all others; None: no limit.

    Raises:
        UserError: A size is below 1, or the limit is not positive.
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
        if min(inputs, dim, layers, width, *(widths or [])) < 1:
            raise UserError("inputs, dim, layers, width and each of widths must be at least 1")
        if limit is not None and limit <= 0:
            raise UserError(f"limit must be above 0 or None, got {limit}")
        self.inputs, self.dim, self.limit = inputs, dim, limit
        steps: list[nn.Module] = [nn.Dropout(input_dropout)] if input_dropout else []
        before = inputs
        for units in [width] * (layers - 1) if widths is None else widths:
            steps += [nn.Linear(before, units), nn.ReLU(), nn.Dropout(dropout)]
            before = units
        steps += [nn.Linear(before, dim), *([nn.ReLU()] if activate else [])]
        self.layers = nn.Sequential(*steps)

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
