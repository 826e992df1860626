"""Losses that pull features of the same class together and push others apart."""

from abc import abstractmethod

import torch
from torch import Tensor
from typing_extensions import override

from emorec.errors import UserError
from emorec.functional import adaptive_triplet, supervised_contrastive
from emorec.objectives.base import Objective
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class ClassDistance(Objective):
    """Base of losses on distances between labelled rows of one feature.

    Rows with mixed labels (see :class:`~emorec.augment.Mixup`) are ignored.

    Args:
        sizes: Feature dimensions, given by the task.
        feature: A modality, or ``fused``.
        weight: Factor in the total loss.
        target: Name of the target.
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
                f"no feature {feature!r}; the features are {', '.join(sorted(sizes.features))}"
            )
        self.feature, self.target = feature, target

    @abstractmethod
    def compare(self, features: Tensor, target: Tensor, rows: Tensor) -> Tensor:
        """Return the loss of features (B, k) of classes int64 (B,) over valid rows bool (B,)."""

    @override
    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        target = batch.targets[self.target]
        rows = batch.labelled[self.target] & bundle.present[self.feature]
        if target.is_floating_point():
            p, target = target.max(-1)
            rows = rows & torch.isclose(p, torch.ones_like(p))
        return self.compare(bundle.features[self.feature].flatten(1), target, rows)


class SupervisedContrastive(ClassDistance):
    """See :func:`emorec.functional.supervised_contrastive` (Khosla et al. 2020).

    Args:
        sizes: Feature dimensions, given by the task.
        feature: A modality, or ``fused``.
        weight: Factor in the total loss.
        target: Name of the target.
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

    @override
    def compare(self, features: Tensor, target: Tensor, rows: Tensor) -> Tensor:
        return supervised_contrastive(features, target, rows, temperature=self.temperature)


class AdaptiveTriplet(ClassDistance):
    """See :func:`emorec.functional.adaptive_triplet` (Chudasama et al. 2022, M2FNet).

    Args:
        sizes: Feature dimensions, given by the task.
        feature: A modality, or ``fused``.
        weight: Factor in the total loss.
        target: Name of the target.
        clamp: Clamp the loss of a triplet at 0.
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

    @override
    def compare(self, features: Tensor, target: Tensor, rows: Tensor) -> Tensor:
        return adaptive_triplet(features, target, rows, clamp=self.clamp)
