"""Late fusion: each modality classifies alone, weighted per class by its validation scores."""

from typing import Literal

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.errors import UserError
from emorec.functional import sum_over_ranks
from emorec.fusion.base import Fusion
from emorec.types import Sizes

SMALLEST = 1e-7  # floor of probabilities before the logarithm


class LateFusion(Fusion):
    r"""score[c] = sum over m of w[m, c] p_m(c), with w from the validation clips' segments.

    w[m, c] = a[m, c]^q / sum over m' of a[m', c]^q, where a is each modality's recall, precision or
    F1 of class c in validation. Recall is the emotion-adaptive fusion of Kim et al. 2017
    (reconstructed: the paper's exact rule is not public), F1 the rule of Gera and Bhattacharya
    2014. Each modality has its own softmax layer. In training all weights are equal, a plain mean
    of posteriors, which also selects the epoch; w is fitted once, on the validation clips with the
    selected epoch's weights. Absent modalities are ignored, and the weights of the others
    renormalised per class. The output is the logarithm of the scores, so that their softmax is the
    normalised score.

    Args:
        sizes: Feature dimensions, given by the task.
        statistic: a: ``recall``, ``precision``, ``f1``, or ``equal``.
        power: q: the larger, the more a class's best modality dominates; 1, 2 or 4.
        gate: Drop a modality for classes where it is below the mean of the modalities.
        target: Name of the target.

    Examples:
        >>> sizes = Sizes(features={"audio": 4, "face": 6}, outputs={"emotion": 3})
        >>> fusion = LateFusion(sizes)
        >>> features = {"audio": torch.zeros(1, 4), "face": torch.zeros(1, 6)}
        >>> present = {"audio": torch.tensor([True]), "face": torch.tensor([False])}
        >>> fusion(features, present).exp().sum().round().item()  # posteriors
        1.0
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
            raise UserError(f"power must be above 0, got {power:g}")
        if target not in sizes.outputs:
            raise UserError(f"no target {target!r}; the targets are {', '.join(sizes.outputs)}")
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

    @override
    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        r"""Return log scores (B, \*T, classes)."""
        posteriors = torch.stack([self.heads[n](features[n]).softmax(-1) for n in self.names], -2)
        mask = torch.stack([self.as_mask(present[n], features[n]) for n in self.names], -2)
        weights = self.weights.to(mask.dtype) * mask
        # If no present modality has weight for a class, they are weighted equally for it.
        weights = torch.where(weights.sum(-2, keepdim=True) > 0, weights, mask)
        weights = weights / weights.sum(-2, keepdim=True).clamp(min=SMALLEST)
        scores = (weights * posteriors).sum(-2)
        return scores.clamp(min=SMALLEST).log()

    @override
    def head(self, outputs: int) -> nn.Module:
        """Return the identity: the fused feature is the scores.

        Raises:
            UserError: The task's target has another number of classes.
        """
        if outputs != self.classes:
            raise UserError(
                f"LateFusion scores {self.classes} classes, but the task predicts {outputs}: set "
                "both to the same target"
            )
        return nn.Identity()

    @override
    def observe_validation(
        self, features: dict[str, Tensor], present: dict[str, Tensor], target: Tensor
    ) -> None:
        """Count each modality's predictions in its confusion matrix."""
        for i, name in enumerate(self.names):
            rows = present[name] & (target >= 0)
            predicted = self.heads[name](features[name][rows]).argmax(-1)
            pairs = target[rows] * self.classes + predicted
            counts = pairs.bincount(minlength=self.classes**2)
            self.confusion[i] += counts.view(self.classes, self.classes)

    @override
    def fit_on_validation(self) -> bool:
        """Set the weights from the confusion matrices of all ranks."""
        confusion = sum_over_ranks(self.confusion)
        self.confusion = torch.zeros_like(self.confusion)
        if self.statistic == "equal" or confusion.sum() == 0:
            return False
        weights = class_weights(confusion.float(), self.statistic, self.power, gate=self.gate)
        self.weights = weights.to(self.weights.dtype)
        return True


def class_weights(
    confusion: Tensor,
    statistic: Literal["recall", "precision", "f1"],
    power: float = 1.0,
    *,
    gate: bool = False,
) -> Tensor:
    """Return w, float (M, C), columns of sum 1; see :class:`LateFusion`.

    A class that no modality recognises is weighted equally.

    Args:
        confusion: (M, C, C), counts; rows true, columns predicted.
        statistic: a: ``recall``, ``precision`` or ``f1``.
        power: q.
        gate: Drop values below the mean over modalities.
    """
    correct = confusion.diagonal(dim1=1, dim2=2)
    true, predicted = confusion.sum(2), confusion.sum(1)
    divisor = {"recall": true, "precision": predicted, "f1": (true + predicted) / 2}[statistic]
    a = correct / divisor.clamp(min=1e-12)
    if gate:
        a = a.masked_fill(a < a.mean(0), 0)
    a = a.pow(power)
    total = a.sum(0)
    return torch.where(total > 0, a / total.clamp(min=1e-12), 1 / len(a))
