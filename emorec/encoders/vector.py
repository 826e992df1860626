"""Fully connected layers on a vector, such as functionals."""

from torch import Tensor, nn

from emorec.encoders.base import Encoder
from emorec.errors import UserError


class VectorEncoder(Encoder):
    """``layers`` fully connected layers with ReLU and dropout, the last one of ``dim`` units.

    Args:
        inputs: Numbers a window; the 96 of :class:`~emorec.extractors.Functionals`.
        dim: Width of the features.
        layers: How many, at least 1.
        width: Units of the layers before the last.
        dropout: In front of each layer but the first, 0 to below 1.
    """

    def __init__(
        self,
        inputs: int = 96,
        dim: int = 512,
        layers: int = 2,
        width: int = 256,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if min(inputs, dim, layers, width) < 1:
            raise UserError("inputs, dim, layers and width are at least 1")
        self.inputs, self.dim = inputs, dim
        steps: list[nn.Module] = []
        before = inputs
        for _ in range(layers - 1):
            steps += [nn.Linear(before, width), nn.ReLU(), nn.Dropout(dropout)]
            before = width
        self.layers = nn.Sequential(*steps, nn.Linear(before, dim))

    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, dim) of standardised vectors (B, inputs).

        Raises:
            UserError: The vectors have another length.
        """
        if x.shape[1:] != (self.inputs,):
            raise UserError(
                f"VectorEncoder has inputs: {self.inputs}, but the data brings "
                f"{' x '.join(map(str, x.shape[1:]))} numbers a window"
            )
        features: Tensor = self.layers(x)
        return features
