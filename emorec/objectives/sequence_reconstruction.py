"""A sequence decoder of transposed convolutions."""

from collections.abc import Sequence

from torch import Tensor
from typing_extensions import override

from emorec.objectives.mirror import CONVOLUTIONS, Mirror, make_mirror, unfold
from emorec.objectives.reconstruction import ReconstructionObjective
from emorec.types import Sizes


class SequenceReconstruction(ReconstructionObjective):
    """Reconstructs a sequence by transposed convolutions that mirror ``ConvSequenceEncoder``.

    ``convolutions``, ``hidden`` and ``activate`` are those of the encoder. The last convolution has
    no ReLU, as half of a standardised sequence is negative (the public code of Liang et al. 2020
    has one), and there is no batch normalisation.

    Args:
        sizes: Feature dimensions, given by the task.
        feature: Name of the modality.
        steps: Steps of the sequence.
        outputs: Values per step.
        convolutions: Channels, kernel and stride of each convolution of the encoder.
        hidden: Units of a layer after the features; 0: none.
        activate: ReLU after the fully connected layers.
        weight: Factor in the total loss.
        target: Target that decides which rows are labelled.

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
        mirror = make_mirror(
            f"{type(self).__name__} of {feature}",
            sizes.features[feature],
            (steps, outputs),
            convolutions,
            hidden,
            activate,
        )
        self.sizes, self.maps = mirror.sizes, mirror.maps
        self.activation, self.hidden = mirror.activation, mirror.hidden
        self.first, self.layers = mirror.first, mirror.layers

    @override
    def decode(self, features: Tensor, read: Tensor) -> Tensor:
        """Return (B, steps, outputs)."""
        mirror = Mirror(
            self.sizes, self.maps, self.activation, self.hidden, self.first, self.layers
        )
        return unfold(features, mirror)
