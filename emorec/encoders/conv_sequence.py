"""Convolutions over time and features of a sequence, as over a picture."""

from torch import Tensor, nn

from emorec.encoders.base import Encoder
from emorec.errors import UserError

# Channels, kernel and stride; padding is 1.
CONVOLUTIONS = ((16, 4, 2), (64, 5, 2), (32, 3, 3))


class ConvSequenceEncoder(Encoder):
    """Three convolutions over (steps, inputs), ReLU after each, and a layer of ``dim`` units, ReLU.

    The visual encoder of Liang et al. 2020 (https://arxiv.org/abs/2009.02598; sizes from the
    authors' public code): 16, 64 and 32 channels, kernels 4, 5 and 3, strides 2, 2 and 3, padding
    1. From 18 x 342 it comes to 32 maps of 2 x 29. Features are 0 or more.

    Args:
        steps: Steps in time of the input.
        inputs: Features a step.
        dim: Width of the features.

    Attributes:
        maps: Channels, height and width after the convolutions.

    Raises:
        UserError: ``steps`` or ``inputs`` is too small for three convolutions.
    """

    def __init__(self, steps: int = 18, inputs: int = 342, dim: int = 128) -> None:
        super().__init__()
        self.steps, self.inputs, self.dim = steps, inputs, dim
        if dim < 1 or min(_left(steps), _left(inputs)) < 1:
            least = next(size for size in range(1, 100) if _left(size) > 0)
            raise UserError(
                f"ConvSequenceEncoder needs steps and inputs of at least {least}, as its "
                f"convolutions make them about 12 times smaller, and dim of at least 1; got "
                f"steps {steps}, inputs {inputs}, dim {dim}"
            )
        layers: list[nn.Module] = []
        before = 1
        for channels, kernel, stride in CONVOLUTIONS:
            layers += [nn.Conv2d(before, channels, kernel, stride, padding=1), nn.ReLU()]
            before = channels
        self.convolutions = nn.Sequential(*layers)
        self.maps = (before, _left(steps), _left(inputs))
        self.last = nn.Linear(self.maps[0] * self.maps[1] * self.maps[2], dim)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, dim) of standardised sequences (B, steps, inputs).

        Raises:
            UserError: The sequences have another shape.
        """
        if x.shape[1:] != (self.steps, self.inputs):
            raise UserError(
                f"ConvSequenceEncoder has steps: {self.steps} and inputs: {self.inputs}, but the "
                f"data brings {' x '.join(map(str, x.shape[1:]))} a window"
            )
        maps = self.convolutions(x.unsqueeze(1))
        features: Tensor = self.last(maps.flatten(1)).relu()
        return features


def _left(size: int) -> int:
    """Return what the convolutions leave of a size; 0 where one of them does not fit into it."""
    for _, kernel, stride in CONVOLUTIONS:
        size = (size + 2 - kernel) // stride + 1 if size + 2 >= kernel else 0
        if size == 0:
            return 0
    return size
