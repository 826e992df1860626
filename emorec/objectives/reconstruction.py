"""Auto-encoders: decoders that reconstruct the input of a modality's encoder."""

from abc import abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn
from typing_extensions import override

from emorec.errors import UserError
from emorec.objectives.base import Objective, mean_over_rows
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class ReconstructionObjective(Objective):
    """Base of losses between an encoder's input and its reconstruction from the features.

    Mean squared error to the standardised input, the mean over labelled rows plus the mean over
    unlabelled ones: L_l + L_u of Liang et al. 2020 (https://arxiv.org/abs/2009.02598), whose
    batches have equally many of both. All-zero or NaN steps of a sequence are padding and ignored:
    a row's mean is over its real steps (the paper masks, then takes the mean over all).

    Args:
        sizes: Feature dimensions, given by the task.
        feature: Name of the modality.
        weight: Factor in the total loss; alpha = 0.2 in the public code.
        target: Target that decides which rows are labelled.
    """

    def __init__(
        self, sizes: Sizes, feature: str, *, weight: float = 0.2, target: str = "emotion"
    ) -> None:
        super().__init__(sizes, weight=weight)
        if feature not in sizes.features or target not in sizes.outputs:
            raise UserError(
                f"no modality {feature!r} or no target {target!r}; the modalities are "
                f"{', '.join(sorted(sizes.features))}, the targets {', '.join(sizes.outputs)}"
            )
        self.feature, self.target = feature, target

    @abstractmethod
    def decode(self, features: Tensor, read: Tensor) -> Tensor:
        """Return the reconstructed input (B, ...) from features (B, D).

        Args:
            features: Features of the modality.
            read: (B, ...), the encoder's standardised input, for autoregressive decoders with
                teacher forcing.
        """

    @override
    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the loss.

        Raises:
            UserError: The input and the decoder's output differ in shape.
        """
        rows = bundle.present[self.feature]
        read = bundle.inputs.get(self.feature)
        if read is None:  # the modality is not active in this stage
            return 0 * bundle.features[self.feature].sum()
        decoded = self.decode(bundle.features[self.feature], read)
        if decoded.shape != read.shape:
            raise UserError(
                f"{type(self).__name__} decodes {tuple(decoded.shape[1:])}, but {self.feature} is "
                f"{tuple(read.shape[1:])}: set its sizes to those of the extractor's arrays"
            )
        squares = (decoded.float() - read.detach().float()).square()  # bfloat16 has 3 digits
        if read.ndim > 2:
            raw = batch.inputs[self.feature]
            real = ((raw != 0) & ~raw.isnan()).any(-1, keepdim=True)
            squares = squares * real
            values = squares.flatten(1).sum(1) / (real.flatten(1).sum(1) * read.shape[-1]).clamp(1)
        else:
            values = squares.mean(1)
        labelled = batch.labelled[self.target]
        return mean_over_rows(values, rows & labelled) + mean_over_rows(values, rows & ~labelled)


class VectorReconstruction(ReconstructionObjective):
    """Reconstructs a vector, such as acoustic functionals, with fully connected layers.

    The acoustic decoder of Liang et al. 2020 is 128-256-512-1582, with ReLU in between. The
    authors' code has a ReLU after the last layer too, but half of a standardised input is negative:
    it is omitted here, as in a later version of their code.

    Args:
        sizes: Feature dimensions, given by the task.
        feature: Name of the modality.
        outputs: Values per window.
        widths: Units of the hidden layers.
        weight: Factor in the total loss.
        target: Target that decides which rows are labelled.
    """

    def __init__(
        self,
        sizes: Sizes,
        feature: str,
        outputs: int,
        widths: Sequence[int] = (256, 512),
        *,
        weight: float = 0.2,
        target: str = "emotion",
    ) -> None:
        super().__init__(sizes, feature, weight=weight, target=target)
        steps: list[nn.Module] = []
        before = sizes.features[feature]
        for units in widths:
            steps += [nn.Linear(before, units), nn.ReLU()]
            before = units
        self.layers = nn.Sequential(*steps, nn.Linear(before, outputs))

    @override
    def decode(self, features: Tensor, read: Tensor) -> Tensor:
        """Return (B, outputs)."""
        decoded: Tensor = self.layers(features)
        return decoded
