"""Losses that draw features of one class together and push others away."""

from abc import abstractmethod

import torch
from torch import Tensor

from emorec.errors import UserError
from emorec.functional import adaptive_triplet, supervised_contrastive
from emorec.objectives.base import Objective
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class ClassDistance(Objective):
    """The base of losses on distances between labelled rows of one feature.

    Rows of mixed labels (see :class:`~emorec.augment.Mixup`) do not count.

    Args:
        sizes: Widths, given by the task.
        feature: Which: a modality, or ``fused``.
        weight: Factor in the total loss.
        target: Which target.
    """

    def __init__(
        self,
        sizes: Sizes,
        feature: str = "fused",
        *,
        weight: float = 1.0,
        target: str = "emotion",
    ) -> None:
        super().__init__(sizes, weight=weight)
        if feature not in sizes.features:
            raise UserError(
                f"no feature {feature!r}; there are {', '.join(sorted(sizes.features))}"
            )
        self.feature, self.target = feature, target

    @abstractmethod
    def compare(self, features: Tensor, target: Tensor, rows: Tensor) -> Tensor:
        """Return the loss of (B, k) features of the classes int64 (B,), over the bool rows (B,)."""

    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the loss; see the base class."""
        target = batch.targets[self.target]
        rows = batch.labelled[self.target] & bundle.present[self.feature]
        if target.is_floating_point():
            share, target = target.max(-1)
            rows = rows & torch.isclose(share, torch.ones_like(share))
        return self.compare(bundle.features[self.feature].flatten(1), target, rows)


class SupervisedContrastive(ClassDistance):
    """See :func:`emorec.functional.supervised_contrastive` (Khosla et al. 2020).

    Args:
        sizes: Widths, given by the task.
        feature: Which: a modality, or ``fused``.
        weight: Factor in the total loss.
        target: Which target.
        temperature: Divides the cosines.
    """

    def __init__(
        self,
        sizes: Sizes,
        feature: str = "fused",
        *,
        weight: float = 1.0,
        target: str = "emotion",
        temperature: float = 0.1,
    ) -> None:
        super().__init__(sizes, feature, weight=weight, target=target)
        self.temperature = temperature

    def compare(self, features: Tensor, target: Tensor, rows: Tensor) -> Tensor:
        """Return the loss; see the base class."""
        return supervised_contrastive(features, target, rows, temperature=self.temperature)


class AdaptiveTriplet(ClassDistance):
    """See :func:`emorec.functional.adaptive_triplet` (Chudasama et al. 2022, M2FNet).

    Args:
        sizes: Widths, given by the task.
        feature: Which: a modality, or ``fused``.
        weight: Factor in the total loss.
        target: Which target.
        clamp: Count what is below zero as zero.
    """

    def __init__(
        self,
        sizes: Sizes,
        feature: str = "fused",
        *,
        weight: float = 1.0,
        target: str = "emotion",
        clamp: bool = False,
    ) -> None:
        super().__init__(sizes, feature, weight=weight, target=target)
        self.clamp = clamp

    def compare(self, features: Tensor, target: Tensor, rows: Tensor) -> Tensor:
        """Return the loss; see the base class."""
        return adaptive_triplet(features, target, rows, clamp=self.clamp)
