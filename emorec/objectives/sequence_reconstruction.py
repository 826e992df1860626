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

    ``convolutions``, ``batch_norm`` and ``hidden`` are those of the encoder; with
    ``batch_norm`` all but the last transposed convolution are normalised.

    Args:
        sizes: Widths, given by the task.
        feature: Which modality.
        steps: Of the sequence.
        outputs: Numbers a step.
        convolutions: Channels, kernel and stride of each of the encoder's.
        batch_norm: Normalise between the transposed convolutions.
        hidden: Units, ReLU, of a layer after the features; 0 for none.
        weight: Factor in the total loss.
        target: Whose labels tell labelled rows from unlabelled ones.

    Raises:
        UserError: ``steps`` or ``outputs`` is too small for the convolutions.
    """

    def __init__(
        self,
        sizes: Sizes,
        feature: str,
        steps: int = 18,
        outputs: int = 342,
        *,
        convolutions: Sequence[tuple[int, int, int]] = CONVOLUTIONS,
        batch_norm: bool = False,
        hidden: int = 0,
        weight: float = 0.2,
        target: str = "emotion",
    ) -> None:
        super().__init__(sizes, feature, weight=weight, target=target)
        self.sizes = [(steps, outputs)]
        for _, kernel, stride in convolutions:
            height, width = ((size + 2 - kernel) // stride + 1 for size in self.sizes[0])
            self.sizes.insert(0, (height, width))
        if min(map(min, self.sizes)) < 1:
            raise UserError(
                f"steps {steps} and outputs {outputs} are too few for {len(convolutions)} layers"
            )
        before = convolutions[-1][0]
        self.maps = (before, *self.sizes[0])
        width = sizes.features[feature]
        self.hidden = (
            nn.Sequential(nn.Linear(width, hidden), nn.ReLU()) if hidden else nn.Identity()
        )
        self.first = nn.Linear(hidden or width, before * self.sizes[0][0] * self.sizes[0][1])
        behind = [1, *(channels for channels, _, _ in convolutions[:-1])]
        layers, norms = [], []
        for channels, (_, kernel, stride) in zip(behind[::-1], convolutions[::-1], strict=True):
            layers.append(nn.ConvTranspose2d(before, channels, kernel, stride, padding=1))
            normal = batch_norm and len(layers) < len(convolutions)
            norms.append(nn.BatchNorm2d(channels) if normal else nn.Identity())
            before = channels
        self.layers, self.norms = nn.ModuleList(layers), nn.ModuleList(norms)

    def decode(self, features: Tensor, read: Tensor) -> Tensor:
        """Return (B, steps, outputs); see the base class."""
        x = self.first(self.hidden(features)).relu().view(len(features), *self.maps)
        for number, size in enumerate(self.sizes[1:]):
            layer = self.layers[number]
            assert isinstance(layer, nn.ConvTranspose2d)
            x = self.norms[number](layer(x, output_size=list(size)))
            if number < len(self.layers) - 1:
                x = x.relu()
        made: Tensor = x.squeeze(1)
        return made
