"""The margin loss on lengths of capsules."""

from torch import Tensor
from torch.nn.functional import one_hot
from typing_extensions import override

from emorec.errors import UserError
from emorec.objectives.category import CategoryObjective, Weighting
from emorec.types import Sizes


class CapsuleMargin(CategoryObjective):
    r"""Mean of sum_j T_j max(0, 0.9 - \|v_j\|)^2 + 0.5 (1 - T_j) max(0, \|v_j\| - 0.1)^2.

    Sabour, Frosst, Hinton 2017 (https://arxiv.org/abs/1710.09829), equation (4), on the logarithms
    of lengths that :class:`~emorec.fusion.CapsuleFusion` gives. Unlike cross-entropy it does not
    make the classes compete.

    Args:
        sizes: Feature dimensions, given by the task.
        present: Length that the capsule of the row's class should reach, 0 to 1.
        absent: Length that the others should not exceed, 0 to 1.
        others: Weight of the other classes.
        weight: Factor in the total loss.
        target: Name of the target.
        class_weights: See :class:`CategoryObjective`.
        beta: See :class:`CategoryObjective`.

    Raises:
        UserError: The fusion's output are not scores of the target's classes.
    """

    score_names = ("fused",)

    def __init__(
        self,
        sizes: Sizes,
        present: float = 0.9,
        absent: float = 0.1,
        others: float = 0.5,
        *,
        weight: float = 1.0,
        target: str = "emotion",
        class_weights: Weighting = "none",
        beta: float = 0.99,
    ) -> None:
        super().__init__(
            sizes, weight=weight, target=target, class_weights=class_weights, beta=beta
        )
        fused, classes = sizes.features.get("fused"), sizes.outputs[target]
        if fused != classes:
            raise UserError(
                f"CapsuleMargin is a loss on lengths of {classes} capsules, one a class, but the "
                f"fusion gives {fused} features: use it with the fusion CapsuleFusion"
            )
        self.present, self.absent, self.others = present, absent, others

    @override
    def row_losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the margin losses; a mixed label counts for each of its classes."""
        if not target.is_floating_point():
            target = one_hot(target, logits.shape[-1]).to(logits.dtype)
        lengths = logits.exp()
        short = (self.present - lengths).relu().square()
        long = (lengths - self.absent).relu().square()
        return (target * short + self.others * (1 - target) * long).sum(-1)
