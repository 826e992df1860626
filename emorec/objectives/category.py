"""Cross-entropy on the fused output, and on one modality alone."""

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from emorec.errors import UserError
from emorec.objectives.base import Objective, mean_over_rows
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class CrossEntropy(Objective):
    """Mean of -log p(label | segment) over labelled rows (Ma et al. 2020, equation (6)).

    Without a labelled row it is 0 with a zero gradient.

    Args:
        sizes: Widths, given by the task.
        weight: Factor in the total loss.
        target: Which target.
    """

    def __init__(self, sizes: Sizes, *, weight: float = 1.0, target: str = "emotion") -> None:
        super().__init__(sizes, weight=weight)
        self.target = target
        self.score_names = ("fused",)

    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the loss; see the base class."""
        values = cross_entropy(bundle.output, batch.targets[self.target], reduction="none")
        return mean_over_rows(values, batch.labelled[self.target] & bundle.present["fused"])

    def scores(self, bundle: FeatureBundle) -> dict[str, Tensor]:
        """Return the model's output (B, classes) as ``fused``."""
        return {"fused": bundle.output}


class AuxiliaryCrossEntropy(Objective):
    """A softmax layer on one feature, and its cross-entropy.

    On a modality this is the unimodal network of Ma et al. 2020's first stage; its class scores
    are evaluated under the feature's name ("audio alone"). Rows without the modality, or without
    a label, do not count.

    Args:
        sizes: Widths, given by the task.
        feature: Which: a modality, or ``fused``.
        weight: Factor in the total loss.
        target: Which target.
    """

    def __init__(
        self, sizes: Sizes, feature: str, *, weight: float = 1.0, target: str = "emotion"
    ) -> None:
        super().__init__(sizes, weight=weight)
        if feature not in sizes.features:
            raise UserError(
                f"no feature {feature!r}; there are {', '.join(sorted(sizes.features))}"
            )
        self.feature, self.target = feature, target
        self.score_names = (feature,)
        self.head = nn.Linear(sizes.features[feature], sizes.outputs[target])

    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the loss; see the base class."""
        logits = self.head(bundle.features[self.feature])
        values = cross_entropy(logits, batch.targets[self.target], reduction="none")
        return mean_over_rows(values, batch.labelled[self.target] & bundle.present[self.feature])

    def scores(self, bundle: FeatureBundle) -> dict[str, Tensor]:
        """Return the logits (B, classes) under the feature's name."""
        return {self.feature: self.head(bundle.features[self.feature])}
