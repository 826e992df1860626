"""Losses on class scores: of the fused output, and of one modality alone."""

from abc import abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from typing_extensions import override

from emorec.errors import UserError
from emorec.objectives.base import Objective, mean_over_rows
from emorec.types import FeatureBundle, SegmentBatch, Sizes

Weighting = Literal["none", "auto", "inverse", "effective_number"]
UNBALANCED = 2.0  # auto: how many times the clips of the smallest class the largest may have


class CategoryObjective(Objective):
    """Base of losses on class scores: selects and weights the rows.

    A row is valid if it is labelled and the feature is present; without one the loss is 0 with a
    zero gradient.

    Args:
        sizes: Feature dimensions, given by the task.
        weight: Factor in the total loss.
        target: Name of the target.
        class_weights: Weights of the classes, from the labelled training clips: ``none``;
            ``inverse`` frequency; ``auto``: the same if the largest class has more than twice the
            clips of the smallest that has any, otherwise ``none``; or the inverse
            ``effective_number`` (1 - beta^n) / (1 - beta) of Cui et al. 2019
            (https://arxiv.org/abs/1901.05555). They have mean 1 over the training clips; a class
            without a clip has weight 0.
        beta: Of the effective number, 0 to below 1; near 1 it is the inverse frequency.

    Attributes:
        feature: Feature that the scores are computed from: ``fused``, or a modality.
    """

    feature = "fused"

    def __init__(
        self,
        sizes: Sizes,
        *,
        weight: float = 1.0,
        target: str = "emotion",
        class_weights: Weighting = "none",
        beta: float = 0.99,
    ) -> None:
        super().__init__(sizes, weight=weight)
        if target not in sizes.outputs:
            raise UserError(f"no target {target!r}; the targets are {', '.join(sizes.outputs)}")
        if not 0 <= beta < 1:
            raise UserError(f"beta must be 0 to below 1, got {beta:g}")
        self.target, self.class_weights, self.beta = target, class_weights, beta
        self.per_class: Tensor
        self.register_buffer("per_class", torch.ones(sizes.outputs[target]), persistent=False)

    @override
    def set_class_counts(self, counts: dict[str, Tensor]) -> None:
        """Compute the class weights."""
        if self.class_weights == "none":
            return
        n = counts[self.target].to(self.per_class)
        least = n[n > 0].min() if n.any() else n.max()
        if self.class_weights == "auto" and n.max() <= UNBALANCED * least:
            self.per_class = torch.ones_like(n)
            return
        by_count = self.class_weights in ("auto", "inverse")
        number = n if by_count else (1 - self.beta**n) / (1 - self.beta)
        raw = torch.where(n > 0, 1 / number.clamp(min=1e-12), 0)
        self.per_class = raw * n.sum() / (raw * n).sum().clamp(min=1e-12)

    def logits(self, bundle: FeatureBundle) -> Tensor:
        """Return (B, classes): the model's output, unless overridden."""
        return bundle.output

    @abstractmethod
    def row_losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each row, (B,).

        Args:
            logits: (B, classes).
            target: int64 (B,), or class probabilities (B, classes) for mixed labels.
        """

    @override
    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the weighted mean over the valid rows of all ranks."""
        target = batch.targets[self.target]
        losses = self.row_losses(self.logits(bundle), target)
        if self.class_weights != "none":
            mixed = target.is_floating_point()
            weights = self.per_class.to(losses.dtype)
            losses = losses * (target.to(losses.dtype) @ weights if mixed else weights[target])
        return mean_over_rows(losses, batch.labelled[self.target] & bundle.present[self.feature])

    @override
    def scores(self, bundle: FeatureBundle) -> dict[str, Tensor]:
        """Return the logits (B, classes) under the feature's name."""
        return {self.feature: self.logits(bundle)}


class CrossEntropy(CategoryObjective):
    """Mean of -log p(label | segment) over labelled rows (Ma et al. 2020, equation (6)).

    Args:
        sizes: Feature dimensions, given by the task.
        weight: Factor in the total loss.
        target: Name of the target.
        class_weights: See :class:`CategoryObjective`.
        beta: See :class:`CategoryObjective`.
        label_smoothing: Probability mass spread over all classes, 0 to 1 (Szegedy et al. 2016,
            https://arxiv.org/abs/1512.00567).
    """

    score_names = ("fused",)

    def __init__(
        self,
        sizes: Sizes,
        *,
        weight: float = 1.0,
        target: str = "emotion",
        class_weights: Weighting = "none",
        beta: float = 0.99,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            sizes, weight=weight, target=target, class_weights=class_weights, beta=beta
        )
        self.label_smoothing = label_smoothing

    @override
    def row_losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return -log p of the smoothed label."""
        smoothing = self.label_smoothing
        return cross_entropy(logits, target, reduction="none", label_smoothing=smoothing)


class AuxiliaryCrossEntropy(CategoryObjective):
    """A softmax layer on one feature, and its cross-entropy.

    On a modality this is the unimodal network of Ma et al. 2020's first stage; its class scores
    are evaluated under the feature's name ("audio alone"). Rows without the modality or without
    a label are ignored.

    Args:
        sizes: Feature dimensions, given by the task.
        feature: A modality, or ``fused``.
        weight: Factor in the total loss.
        target: Name of the target.
        class_weights: See :class:`CategoryObjective`.
        beta: See :class:`CategoryObjective`.
        label_smoothing: See :class:`CrossEntropy`.
    """

    def __init__(
        self,
        sizes: Sizes,
        feature: str,
        *,
        weight: float = 1.0,
        target: str = "emotion",
        class_weights: Weighting = "none",
        beta: float = 0.99,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            sizes, weight=weight, target=target, class_weights=class_weights, beta=beta
        )
        if feature not in sizes.features:
            raise UserError(
                f"no feature {feature!r}; the features are {', '.join(sorted(sizes.features))}"
            )
        self.feature, self.score_names = feature, (feature,)
        self.label_smoothing = label_smoothing
        self.head = nn.Linear(sizes.features[feature], sizes.outputs[target])

    @override
    def logits(self, bundle: FeatureBundle) -> Tensor:
        """Return the logits (B, classes) of the softmax layer."""
        logits: Tensor = self.head(bundle.features[self.feature])
        return logits

    @override
    def row_losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return -log p of the smoothed label."""
        smoothing = self.label_smoothing
        return cross_entropy(logits, target, reduction="none", label_smoothing=smoothing)
