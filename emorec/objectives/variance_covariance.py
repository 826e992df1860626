"""Features that vary, each in its own way."""

from torch import Tensor
from typing_extensions import override

from emorec.errors import UserError
from emorec.functional import variance_covariance
from emorec.objectives.base import Objective
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class VarianceCovariance(Objective):
    """VICReg's variance and covariance terms on one feature; needs no label.

    Two of the three terms that M2FNet (Chudasama et al. 2022) trains its extractors with, 1 and 5
    times beside 20 times :class:`AdaptiveTriplet`, as in public re-implementations that cite it.

    Args:
        sizes: Feature dimensions, given by the task.
        feature: A modality, or ``fused``.
        weight: Factor in the total loss.
        variance: Weight of how far standard deviations are below 1.
        covariance: Weight of the covariances between features.
    """

    def __init__(
        self,
        sizes: Sizes,
        feature: str = "fused",
        *,
        weight: float = 1.0,
        variance: float = 1.0,
        covariance: float = 5.0,
    ) -> None:
        super().__init__(sizes, weight=weight)
        if feature not in sizes.features:
            raise UserError(
                f"no feature {feature!r}; the features are {', '.join(sorted(sizes.features))}"
            )
        self.feature, self.variance, self.covariance = feature, variance, covariance

    @override
    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the terms over the rows of all ranks that have the feature."""
        return variance_covariance(
            bundle.features[self.feature].flatten(1),
            bundle.present[self.feature],
            variance=self.variance,
            covariance=self.covariance,
        )
