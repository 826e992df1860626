"""2D convolutions over the steps and features of a sequence."""

from collections.abc import Sequence
from itertools import count

from torch import Tensor, nn
from typing_extensions import override

from emorec.encoders.base import Encoder
from emorec.errors import UserError

# Channels, kernel and stride of each convolution; padding is 1.
CONVOLUTIONS = ((16, 4, 2), (64, 5, 2), (32, 3, 3))


class ConvSequenceEncoder(Encoder):
    """Convolutions over (steps, inputs), ReLU after each, and a layer of ``dim`` units.

    The visual encoder of Liang et al. 2020 (https://arxiv.org/abs/2009.02598; sizes from the
    authors' public code): 16, 64 and 32 channels, kernels 4, 5 and 3, strides 2, 2 and 3, padding
    1. It turns 18 x 342 into 32 maps of 2 x 29.

    Their lexical encoder, after a :class:`TransformerSequenceEncoder`, is ``convolutions:
    [[64, 4, 2], [4, 4, 3]], batch_norm: true, hidden: 512, activate: false``: from 22 x 1024 to 4
    maps of 4 x 171. The visual encoder, too, has ``activate: false`` after one.

    Args:
        steps: Time steps of the input.
        inputs: Input features per step.
        dim: Feature dimension.
        convolutions: Channels, kernel and stride of each; padding is 1.
        batch_norm: Batch normalisation after each convolution.
        hidden: Units of a layer between the convolutions and the last layer; 0: none.
        activate: ReLU after ``hidden`` and after the last layer: features are at least 0.

    Attributes:
        maps: Channels, height and width after the convolutions.

    Raises:
        UserError: ``steps`` or ``inputs`` is too small for the convolutions, or a size is below 1.
    """

    def __init__(
        self,
        steps: int = 18,
        inputs: int = 342,
        dim: int = 128,
        *,
        convolutions: Sequence[tuple[int, int, int]] = CONVOLUTIONS,
        batch_norm: bool = False,
        hidden: int = 0,
        activate: bool = True,
    ) -> None:
        super().__init__()
        self.steps, self.inputs, self.dim = steps, inputs, dim
        if not convolutions or min(map(min, convolutions)) < 1 or min(dim, hidden + 1) < 1:
            raise UserError(
                "ConvSequenceEncoder needs convolutions of [channels, kernel, stride] and dim of "
                f"at least 1; got {[*map(list, convolutions)]}, dim {dim}, hidden {hidden}"
            )
        height_width = [_size_after(size, convolutions) for size in (steps, inputs)]
        if min(height_width) < 1:
            least = next(size for size in count(1) if _size_after(size, convolutions) > 0)
            raise UserError(
                f"ConvSequenceEncoder needs steps and inputs of at least {least} for its "
                f"convolutions; got steps {steps}, inputs {inputs}"
            )
        layers: list[nn.Module] = []
        before = 1
        for channels, kernel, stride in convolutions:
            layers.append(nn.Conv2d(before, channels, kernel, stride, padding=1))
            layers += [nn.BatchNorm2d(channels)] if batch_norm else []
            layers.append(nn.ReLU())
            before = channels
        self.convolutions = nn.Sequential(*layers)
        self.maps = (before, *height_width)
        flat = before * height_width[0] * height_width[1]
        self.activation = nn.ReLU() if activate else nn.Identity()
        self.hidden = nn.Linear(flat, hidden) if hidden else None
        self.last = nn.Linear(hidden or flat, dim)

    @override
    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, dim) of standardised sequences (B, steps, inputs).

        Raises:
            UserError: The shape of the sequences is not (B, steps, inputs).
        """
        if x.shape[1:] != (self.steps, self.inputs):
            raise UserError(
                f"ConvSequenceEncoder has steps: {self.steps} and inputs: {self.inputs}, but the "
                f"data has {' x '.join(map(str, x.shape[1:]))} per window"
            )
        y: Tensor = self.convolutions(x.unsqueeze(1)).flatten(1)
        if self.hidden is not None:
            y = self.activation(self.hidden(y))
        features: Tensor = self.activation(self.last(y))
        return features


def _size_after(size: int, convolutions: Sequence[tuple[int, int, int]]) -> int:
    """Return the size of an axis after the convolutions; 0 if one does not fit."""
    for _, kernel, stride in convolutions:
        size = (size + 2 - kernel) // stride + 1 if size + 2 >= kernel else 0
        if size == 0:
            return 0
    return size
