"""Late fusion: each modality classifies alone, and counts for a class as far as it knows it."""

from typing import Literal

import torch
from torch import Tensor, nn

from emorec.errors import UserError
from emorec.functional import sum_over_ranks
from emorec.fusion.base import Fusion
from emorec.types import Sizes

SMALLEST = 1e-7  # of a probability whose logarithm is taken


class LateFusion(Fusion):
    r"""score[c] = sum over m of w[m, c] p_m(c), with w from the validation clips' segments.

    w[m, c] = a[m, c]^q / sum over m' of a[m', c]^q, where a is each modality's recall, precision or
    F1 of class c in validation. Recall is the emotion-adaptive fusion of Kim et al. 2017
    (reconstructed: the paper's exact rule is not public), F1 the rule of Gera and Bhattacharya
    2014. Each modality has a softmax layer of its own. In training all weights are equal, a plain
    mean of posteriors, by which the epoch is chosen; w is fitted once, on the chosen epoch's
    validation clips. An absent modality does not count, and the weights of the others are
    normalised among themselves, class by class. The output is the logarithm of the scores, so that
    their softmax is the normalised score.

    Args:
        sizes: Widths, given by the task.
        statistic: What weighs: ``recall``, ``precision``, ``f1``, or ``equal``.
        power: q: the larger, the more the best modality of a class decides; 1, 2 or 4.
        gate: Drop a modality for a class in which it is below the mean of the modalities.
        target: Which target's classes.
    """

    def __init__(
        self,
        sizes: Sizes,
        statistic: Literal["recall", "precision", "f1", "equal"] = "recall",
        power: float = 1.0,
        *,
        gate: bool = False,
        target: str = "emotion",
    ) -> None:
        super().__init__(sizes)
        if power <= 0:
            raise UserError(f"power is above 0, got {power:g}")
        if target not in sizes.outputs:
            raise UserError(f"no target {target!r}; there are {', '.join(sizes.outputs)}")
        self.names, self.classes = sorted(sizes.features), sizes.outputs[target]
        self.dim = self.classes
        self.statistic, self.power, self.gate = statistic, power, gate
        self.heads = nn.ModuleDict(
            {name: nn.Linear(sizes.features[name], self.classes) for name in self.names}
        )
        count = len(self.names)
        self.weights: Tensor
        self.confusion: Tensor
        self.register_buffer("weights", torch.full((count, self.classes), 1 / count))
        shape = (count, self.classes, self.classes)
        counts = torch.zeros(shape, dtype=torch.int64)
        self.register_buffer("confusion", counts, persistent=False)

    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        r"""Return (B, \*T, classes), log scores; see the class."""
        shares = torch.stack([self.heads[n](features[n]).softmax(-1) for n in self.names], -2)
        there = torch.stack([self.there(present[n], features[n]) for n in self.names], -2)
        weights = self.weights.to(there.dtype) * there
        # Where no modality that is there has a weight for a class, all of them count alike for it.
        weights = torch.where(weights.sum(-2, keepdim=True) > 0, weights, there)
        weights = weights / weights.sum(-2, keepdim=True).clamp(min=SMALLEST)
        scores = (weights * shares).sum(-2)
        return scores.clamp(min=SMALLEST).log()

    def head(self, outputs: int) -> nn.Module:
        """Return nothing more than the scores.

        Raises:
            UserError: The target of the task has another number of classes.
        """
        if outputs != self.classes:
            raise UserError(
                f"LateFusion scores {self.classes} classes, but the task predicts {outputs}: give "
                "both the same target"
            )
        return nn.Identity()

    def observe_validation(
        self, features: dict[str, Tensor], present: dict[str, Tensor], target: Tensor
    ) -> None:
        """Count what each modality alone says; see the base class."""
        for i, name in enumerate(self.names):
            rows = present[name] & (target >= 0)
            said = self.heads[name](features[name][rows]).argmax(-1)
            pairs = target[rows] * self.classes + said
            counts = pairs.bincount(minlength=self.classes**2)
            self.confusion[i] += counts.view(self.classes, self.classes)

    def fit_on_validation(self) -> bool:
        """Set the weights from the counts of all ranks."""
        confusion = sum_over_ranks(self.confusion)
        self.confusion = torch.zeros_like(self.confusion)
        if self.statistic == "equal" or confusion.sum() == 0:
            return False
        found = class_weights(confusion.float(), self.statistic, self.power, gate=self.gate)
        self.weights = found.to(self.weights.dtype)
        return True


def class_weights(
    confusion: Tensor,
    statistic: Literal["recall", "precision", "f1"],
    power: float = 1.0,
    *,
    gate: bool = False,
) -> Tensor:
    """Return w, float (M, C), columns of sum 1; see :class:`LateFusion`.

    A class that no modality recognises at all is weighted equally.

    Args:
        confusion: (M, C, C), counts; rows true, columns predicted.
        statistic: What is computed from them.
        power: q.
        gate: Drop what is below the mean over modalities.
    """
    right = confusion.diagonal(dim1=1, dim2=2)
    true, said = confusion.sum(2), confusion.sum(1)
    below = {"recall": true, "precision": said, "f1": (true + said) / 2}[statistic]
    known = right / below.clamp(min=1e-12)
    if gate:
        known = known.masked_fill(known < known.mean(0), 0)
    known = known.pow(power)
    total = known.sum(0)
    return torch.where(total > 0, known / total.clamp(min=1e-12), 1 / len(known))
