"""Losses on class scores: of the fused output, and of one modality alone."""

from abc import abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from emorec.errors import UserError
from emorec.objectives.base import Objective, mean_over_rows
from emorec.types import FeatureBundle, SegmentBatch, Sizes

Weighting = Literal["none", "inverse", "effective_number"]


class CategoryObjective(Objective):
    """The base of losses on class scores: which rows count, and how much.

    A row counts where it is labelled and the feature is there; without one the loss is 0 with a
    zero gradient.

    Args:
        sizes: Widths, given by the task.
        weight: Factor in the total loss.
        target: Which target.
        class_weights: What rare classes are weighted with, from the labelled training clips:
            ``none``; ``inverse`` frequency; or the inverse ``effective_number`` (1 - beta^n) /
            (1 - beta) of Cui et al. 2019 (https://arxiv.org/abs/1901.05555). Weights have the mean
            1 over the training clips; a class without a clip has the weight 0.
        beta: Of the effective number, 0 to below 1; near 1 it is the inverse frequency.

    Attributes:
        feature: What the scores rest on: ``fused``, or a modality.
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
            raise UserError(f"no target {target!r}; there are {', '.join(sizes.outputs)}")
        if not 0 <= beta < 1:
            raise UserError(f"beta is 0 to below 1, got {beta:g}")
        self.target, self.class_weights, self.beta = target, class_weights, beta
        self.per_class: Tensor
        self.register_buffer("per_class", torch.ones(sizes.outputs[target]), persistent=False)

    def set_class_counts(self, counts: dict[str, Tensor]) -> None:
        """Compute the weights; see the base class."""
        if self.class_weights == "none":
            return
        n = counts[self.target].to(self.per_class)
        number = n if self.class_weights == "inverse" else (1 - self.beta**n) / (1 - self.beta)
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
            target: int64 (B,), or class probabilities (B, classes) of mixed rows.
        """

    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the weighted mean over the rows that count, of all ranks; see the base class."""
        target = batch.targets[self.target]
        losses = self.row_losses(self.logits(bundle), target)
        if self.class_weights != "none":
            mixed = target.is_floating_point()
            weights = self.per_class.to(losses.dtype)
            losses = losses * (target.to(losses.dtype) @ weights if mixed else weights[target])
        return mean_over_rows(losses, batch.labelled[self.target] & bundle.present[self.feature])

    def scores(self, bundle: FeatureBundle) -> dict[str, Tensor]:
        """Return the logits (B, classes) under the feature's name."""
        return {self.feature: self.logits(bundle)}


class CrossEntropy(CategoryObjective):
    """Mean of -log p(label | segment) over labelled rows (Ma et al. 2020, equation (6)).

    Args:
        sizes: Widths, given by the task.
        weight: Factor in the total loss.
        target: Which target.
        class_weights: See :class:`CategoryObjective`.
        beta: See :class:`CategoryObjective`.
        label_smoothing: Share of the label that is spread over all classes, 0 to 1 (Szegedy et al.
            2016, https://arxiv.org/abs/1512.00567).
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

    def row_losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return -log p of the smoothed label; see the base class."""
        smoothing = self.label_smoothing
        return cross_entropy(logits, target, reduction="none", label_smoothing=smoothing)


class AuxiliaryCrossEntropy(CategoryObjective):
    """A softmax layer on one feature, and its cross-entropy.

    On a modality this is the unimodal network of Ma et al. 2020's first stage; its class scores
    are evaluated under the feature's name ("audio alone"). Rows without the modality, or without
    a label, do not count.

    Args:
        sizes: Widths, given by the task.
        feature: Which: a modality, or ``fused``.
        weight: Factor in the total loss.
        target: Which target.
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
                f"no feature {feature!r}; there are {', '.join(sorted(sizes.features))}"
            )
        self.feature, self.score_names = feature, (feature,)
        self.label_smoothing = label_smoothing
        self.head = nn.Linear(sizes.features[feature], sizes.outputs[target])

    def logits(self, bundle: FeatureBundle) -> Tensor:
        """Return the softmax layer's logits, (B, classes)."""
        logits: Tensor = self.head(bundle.features[self.feature])
        return logits

    def row_losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return -log p of the smoothed label; see the base class."""
        smoothing = self.label_smoothing
        return cross_entropy(logits, target, reduction="none", label_smoothing=smoothing)
