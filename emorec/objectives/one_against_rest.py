"""Heads for some classes only, each against all others."""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid
from typing_extensions import override

from emorec.errors import UserError
from emorec.objectives.base import Objective, mean_over_rows
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class OneAgainstRest(Objective):
    """Binary cross-entropy of chosen classes, each against the rest, on the model's output.

    For a network that tells only some classes, such as the voice anger and fear (the idea is that
    of Kim et al. 2017's abstract; the form is ours). Its scores share what it does not give to the
    chosen classes equally among the others, so it says nothing about which of them it is: in
    ``emorec ensemble`` give it weight for its classes only (``--only``).

    Args:
        sizes: Feature dimensions, given by the task.
        classes: Positions of the chosen classes in the target, from 0.
        weight: Factor in the total loss.
        target: Name of the target.

    Raises:
        UserError: There is no such target or class, or none is chosen.
    """

    score_names = ("fused",)

    def __init__(
        self,
        sizes: Sizes,
        classes: list[int],
        *,
        weight: float = 1.0,
        target: str = "emotion",
    ) -> None:
        super().__init__(sizes, weight=weight)
        count = sizes.outputs.get(target, 0)
        if not classes or not set(classes) <= set(range(count)):
            raise UserError(
                f"classes of OneAgainstRest are positions in the target {target!r}, 0 to "
                f"{count - 1}; got {classes}"
            )
        self.classes, self.target = sorted(set(classes)), target

    @override
    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        target = batch.targets[self.target]
        if target.is_floating_point():  # mixed labels
            wanted = target[:, self.classes].to(bundle.output.dtype)
        else:
            wanted = (target[:, None] == target.new_tensor(self.classes)).to(bundle.output.dtype)
        losses = binary_cross_entropy_with_logits(
            bundle.output[:, self.classes], wanted, reduction="none"
        )
        return mean_over_rows(losses.mean(1), batch.labelled[self.target] & bundle.present["fused"])

    @override
    def scores(self, bundle: FeatureBundle) -> dict[str, Tensor]:
        """Return logits (B, classes): the softmax gives the chosen classes and, equally, others."""
        own = bundle.output[:, self.classes].float()
        others = bundle.output.shape[1] - len(self.classes)
        rest = logsigmoid(-own).sum(1, keepdim=True) - torch.tensor(max(others, 1)).log()
        logits = rest.expand(-1, bundle.output.shape[1]).clone()
        logits[:, self.classes] = logsigmoid(own)
        return {"fused": logits}
