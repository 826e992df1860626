"""Losses on rows without a label: the model's own guesses, and a teacher's."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from emorec.errors import UserError
from emorec.objectives.base import Objective, mean_over_rows
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class PseudoLabel(Objective):
    """Cross-entropy with the model's own class where it is sure (Lee 2013, with a threshold).

    The mean over rows that are not labelled; those that are not sure count as 0, so that few sure
    guesses weigh little. Logged: ``share``, of these rows, that were sure.

    Args:
        sizes: Widths, given by the task.
        threshold: Least probability of a class that is taken for the label, 0 to 1.
        weight: Factor in the total loss; the paper lets it rise from 0, see a stage's ``warmup``.
        target: Which target.
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
            raise UserError(f"threshold is a probability, got {threshold}")
        self.threshold, self.target = threshold, target

    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the loss; see the base class."""
        share, guess = bundle.output.detach().float().softmax(-1).max(-1)
        open_rows = ~batch.labelled[self.target] & bundle.present["fused"]
        sure = share >= self.threshold
        self.parts["share"] = (sure & open_rows).sum() / open_rows.sum().clamp(min=1)
        values = cross_entropy(bundle.output, guess, reduction="none").masked_fill(~sure, 0)
        return mean_over_rows(values, open_rows)


class Consistency(Objective):
    """Draws the output towards another target's class probabilities: those of a teacher.

    The callback :class:`~emorec.callbacks.Teacher` puts them into training batches, with a mask of
    the rows that it was asked about, and one of those of which it is sure; the others count as 0 in
    the mean, as in FixMatch. Batches of validation have none, and the loss is 0. Logged: ``share``
    of the batch's rows that were sure.

    Args:
        sizes: Widths, given by the task.
        kind: ``mse``: the mean squared difference of probabilities (mean teacher); ``soft``:
            cross-entropy with them; ``hard``: cross-entropy with the likeliest class (FixMatch).
        weight: Factor in the total loss; see a stage's ``warmup`` to let it rise.
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

    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the loss; see the base class.

        Raises:
            UserError: A training batch has no such target.
        """
        if self.target not in batch.targets:
            if self.training and torch.is_grad_enabled():
                raise UserError(
                    f"Consistency has no target {self.target!r}: add the callback Teacher "
                    "(--trainer.callbacks+=Teacher)"
                )
            self.parts.clear()  # else the share of the last training batch would be logged
            return 0 * bundle.output.sum()
        target = batch.targets[self.target]
        if not target.is_floating_point():
            target = one_hot(target, bundle.output.shape[-1])
        target = target.to(bundle.output.dtype)
        if self.kind == "mse":
            values = (bundle.output.softmax(-1) - target).square().mean(-1)
        else:
            wanted = target if self.kind == "soft" else target.argmax(-1)
            values = cross_entropy(bundle.output, wanted, reduction="none")
        rows = batch.labelled[self.target] & bundle.present["fused"]
        sure = batch.labelled.get(f"{self.target}/sure", rows)
        self.parts["share"] = (rows & sure).float().mean()
        return mean_over_rows(values.masked_fill(~sure, 0), rows)
