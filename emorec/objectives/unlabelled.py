"""Losses on unlabelled rows: pseudo-labels of the model or of a teacher."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot
from typing_extensions import override

from emorec.errors import UserError
from emorec.objectives.base import Objective, mean_over_rows
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class PseudoLabel(Objective):
    """Cross-entropy with the model's own prediction if confident (Lee 2013, with a threshold).

    The mean over unlabelled rows; unconfident ones contribute 0, so that few confident predictions
    have little weight. Logged: ``share``, of the unlabelled rows, that were confident.

    Args:
        sizes: Feature dimensions, given by the task.
        threshold: Least probability of a class to be used as the label, 0 to 1.
        weight: Factor in the total loss; the paper raises it from 0, see a stage's ``warmup``.
        target: Name of the target.
    """

    def __init__(
        self,
        sizes: Sizes,
        threshold: float = 0.95,
        *,
        weight: float = 1.0,
        target: str = "emotion",
    ) -> None:
        super().__init__(sizes, weight=weight)
        if not 0 <= threshold <= 1:
            raise UserError(f"threshold must be a probability, got {threshold}")
        self.threshold, self.target = threshold, target

    @override
    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        confidence, predicted = bundle.output.detach().float().softmax(-1).max(-1)
        unlabelled = ~batch.labelled[self.target] & bundle.present["fused"]
        sure = confidence >= self.threshold
        self.parts["share"] = (sure & unlabelled).sum() / unlabelled.sum().clamp(min=1)
        values = cross_entropy(bundle.output, predicted, reduction="none").masked_fill(~sure, 0)
        return mean_over_rows(values, unlabelled)


class Consistency(Objective):
    """Pulls the output towards a teacher's class probabilities, given as another target.

    The callback :class:`~emorec.callbacks.Teacher` adds them to training batches, with a mask of
    the rows to learn from and one of those where it is confident; unconfident rows contribute 0 to
    the mean, as in FixMatch. Validation batches have none, and the loss is 0. Logged: ``share`` of
    the batch's rows that were confident.

    Args:
        sizes: Feature dimensions, given by the task.
        kind: ``mse``: mean squared difference of probabilities (mean teacher); ``soft``:
            cross-entropy with them; ``hard``: cross-entropy with the likeliest class (FixMatch).
        weight: Factor in the total loss; a stage's ``warmup`` can raise it from 0.
        target: Name of the target.
    """

    def __init__(
        self,
        sizes: Sizes,
        kind: Literal["mse", "soft", "hard"] = "mse",
        *,
        weight: float = 1.0,
        target: str = "teacher",
    ) -> None:
        super().__init__(sizes, weight=weight)
        self.kind, self.target = kind, target

    @override
    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the loss.

        Raises:
            UserError: A training batch has no such target.
        """
        if self.target not in batch.targets:
            if self.training and torch.is_grad_enabled():
                raise UserError(
                    f"Consistency has no target {self.target!r}: add the callback Teacher "
                    "(--trainer.callbacks+=Teacher)"
                )
            self.parts.clear()  # else the last training batch's share would be logged
            return 0 * bundle.output.sum()
        target = batch.targets[self.target]
        if not target.is_floating_point():
            target = one_hot(target, bundle.output.shape[-1])
        target = target.to(bundle.output.dtype)
        if self.kind == "mse":
            values = (bundle.output.softmax(-1) - target).square().mean(-1)
        else:
            target = target if self.kind == "soft" else target.argmax(-1)
            values = cross_entropy(bundle.output, target, reduction="none")
        rows = batch.labelled[self.target] & bundle.present["fused"]
        sure = batch.labelled.get(f"{self.target}/sure", rows)
        self.parts["share"] = (rows & sure).float().mean()
        return mean_over_rows(values.masked_fill(~sure, 0), rows)
