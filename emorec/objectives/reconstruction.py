"""Auto-encoders: decoders that have to rebuild what a modality's encoder read."""

from abc import abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn

from emorec.errors import UserError
from emorec.objectives.base import Objective, mean_over_rows
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class ReconstructionObjective(Objective):
    """The base of losses between what an encoder read and what a decoder makes of its features.

    The mean squared difference to the standardised input, the mean over labelled rows plus the
    mean over unlabelled ones: L_l + L_u of Liang et al. 2020 (https://arxiv.org/abs/2009.02598),
    whose batches have as many of both. Steps of a sequence that hold nothing but zeros, or are not
    known, were padded and do not count: a row's mean is over its real steps (the paper masks, then
    takes the mean over all).

    Args:
        sizes: Widths, given by the task.
        feature: Which modality.
        weight: Factor in the total loss; alpha = 0.2 in the public code.
        target: Whose labels tell labelled rows from unlabelled ones.
    """

    def __init__(
        self, sizes: Sizes, feature: str, *, weight: float = 0.2, target: str = "emotion"
    ) -> None:
        super().__init__(sizes, weight=weight)
        if feature not in sizes.features or target not in sizes.outputs:
            raise UserError(
                f"no modality {feature!r} or no target {target!r}; there are "
                f"{', '.join(sorted(sizes.features))} and {', '.join(sizes.outputs)}"
            )
        self.feature, self.target = feature, target

    @abstractmethod
    def decode(self, features: Tensor, read: Tensor) -> Tensor:
        """Return what the input was, (B, ...), from features (B, D).

        Args:
            features: Of the modality.
            read: (B, ...), what its encoder read, standardised; for decoders that go step by step
                and are shown the steps before.
        """

    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the loss; see the base class.

        Raises:
            UserError: The input has another shape than the decoder's output.
        """
        rows = bundle.present[self.feature]
        read = bundle.inputs.get(self.feature)
        if read is None:  # the stage does not show the modality
            return 0 * bundle.features[self.feature].sum()
        made = self.decode(bundle.features[self.feature], read)
        if made.shape != read.shape:
            raise UserError(
                f"{type(self).__name__} rebuilds {tuple(made.shape[1:])}, but {self.feature} is "
                f"{tuple(read.shape[1:])}: give it the sizes of the extractor's arrays"
            )
        squares = (made.float() - read.detach().float()).square()  # bfloat16 has 3 digits
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
    """Rebuilds a vector, such as functionals, by fully connected layers.

    The acoustic decoder of Liang et al. 2020 is 128-256-512-1582, ReLU between; after the last
    layer the authors' code has one too, which a standardised input, half of it negative, cannot
    pass: it is left out here, as in a later copy of theirs.

    Args:
        sizes: Widths, given by the task.
        feature: Which modality.
        outputs: Numbers a window.
        widths: Units of the layers in between.
        weight: Factor in the total loss.
        target: Whose labels tell labelled rows from unlabelled ones.
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

    def decode(self, features: Tensor, read: Tensor) -> Tensor:
        """Return (B, outputs); see the base class."""
        made: Tensor = self.layers(features)
        return made
