"""A decoder of sequences: transposed convolutions."""

from collections.abc import Sequence

from torch import Tensor, nn

from emorec.errors import UserError
from emorec.objectives.reconstruction import ReconstructionObjective
from emorec.types import Sizes

# Channels, kernel and stride of each convolution of the encoder; padding is 1.
CONVOLUTIONS = ((16, 4, 2), (64, 5, 2), (32, 3, 3))


class SequenceReconstruction(ReconstructionObjective):
    """Rebuilds a sequence by transposed convolutions, the mirror of ``ConvSequenceEncoder``.

    ``convolutions``, ``hidden`` and ``activate`` are those of the encoder. There is no ReLU after
    the last one, as half of a standardised sequence is negative, and no batch normalisation; the
    public code of Liang et al. 2020 has the former.

    Args:
        sizes: Widths, given by the task.
        feature: Which modality.
        steps: Of the sequence.
        outputs: Numbers a step.
        convolutions: Channels, kernel and stride of each of the encoder's.
        hidden: Units of a layer after the features; 0 for none.
        activate: ReLU after the fully connected layers.
        weight: Factor in the total loss.
        target: Whose labels tell labelled rows from unlabelled ones.

    Raises:
        UserError: ``steps`` or ``outputs`` is too small for the convolutions, or a size is below 1.
    """

    def __init__(
        self,
        sizes: Sizes,
        feature: str,
        steps: int = 18,
        outputs: int = 342,
        *,
        convolutions: Sequence[tuple[int, int, int]] = CONVOLUTIONS,
        hidden: int = 0,
        activate: bool = True,
        weight: float = 0.2,
        target: str = "emotion",
    ) -> None:
        super().__init__(sizes, feature, weight=weight, target=target)
        self.sizes = _sizes((steps, outputs), convolutions) if hidden >= 0 else []
        if not self.sizes:
            raise UserError(
                f"{type(self).__name__} of {feature} needs convolutions of [channels, kernel, "
                "stride], those of the encoder, and steps and outputs that are enough for them; "
                f"got {[*map(list, convolutions)]}, steps {steps}, outputs {outputs}, hidden "
                f"{hidden}"
            )
        before = convolutions[-1][0]
        self.maps = (before, *self.sizes[0])
        width = sizes.features[feature]
        self.activation = nn.ReLU() if activate else nn.Identity()
        self.hidden = nn.Linear(width, hidden) if hidden else None
        self.first = nn.Linear(hidden or width, before * self.sizes[0][0] * self.sizes[0][1])
        behind = [1, *(channels for channels, _, _ in convolutions[:-1])]
        layers = []
        for channels, (_, kernel, stride) in zip(behind[::-1], convolutions[::-1], strict=True):
            layers.append(nn.ConvTranspose2d(before, channels, kernel, stride, padding=1))
            before = channels
        self.layers = nn.ModuleList(layers)

    def decode(self, features: Tensor, read: Tensor) -> Tensor:
        """Return (B, steps, outputs); see the base class."""
        if self.hidden is not None:
            features = self.activation(self.hidden(features))
        x = self.activation(self.first(features)).view(len(features), *self.maps)
        for number, size in enumerate(self.sizes[1:]):
            layer = self.layers[number]
            assert isinstance(layer, nn.ConvTranspose2d)
            x = layer(x if number == 0 else x.relu(), output_size=list(size))
        made: Tensor = x.squeeze(1)
        return made


def _sizes(
    size: tuple[int, int], convolutions: Sequence[tuple[int, int, int]]
) -> list[tuple[int, int]]:
    """Return height and width from the last convolution's to the sequence's; [] where none fits."""
    if not convolutions or min(map(min, convolutions)) < 1:
        return []
    sizes = [size]
    for _, kernel, stride in convolutions:
        if min(sizes[0]) + 2 < kernel or min(sizes[0]) < 1:
            return []
        height, width = ((s + 2 - kernel) // stride + 1 for s in sizes[0])
        sizes.insert(0, (height, width))
    return sizes
