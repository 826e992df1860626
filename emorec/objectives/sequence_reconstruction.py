"""A decoder of sequences: transposed convolutions."""

from collections.abc import Sequence

from torch import Tensor

from emorec.objectives.mirror import CONVOLUTIONS, Mirror, make_mirror, unfold
from emorec.objectives.reconstruction import ReconstructionObjective
from emorec.types import Sizes


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

    def decode(self, features: Tensor, read: Tensor) -> Tensor:
        """Return (B, steps, outputs); see the base class."""
        mirror = Mirror(
            self.sizes, self.maps, self.activation, self.hidden, self.first, self.layers
        )
        return unfold(features, mirror)
