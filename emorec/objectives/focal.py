"""The focal loss, which down-weights easy rows."""

from torch import Tensor
from torch.nn.functional import one_hot
from typing_extensions import override

from emorec.errors import UserError
from emorec.objectives.category import CategoryObjective, Weighting
from emorec.types import Sizes


class FocalLoss(CategoryObjective):
    """Mean of -(1 - p)^gamma log p(label | segment) over labelled rows.

    Lin et al. 2017 (https://arxiv.org/abs/1708.02002), in its multi-class form; their alpha is
    ``class_weights``.

    Args:
        sizes: Feature dimensions, given by the task.
        gamma: At least 0; 0 is cross-entropy, 2 the paper's choice.
        weight: Factor in the total loss.
        target: Name of the target.
        class_weights: See :class:`CategoryObjective`.
        beta: See :class:`CategoryObjective`.
    """

    score_names = ("fused",)

    def __init__(
        self,
        sizes: Sizes,
        gamma: float = 2.0,
        *,
        weight: float = 1.0,
        target: str = "emotion",
        class_weights: Weighting = "none",
        beta: float = 0.99,
    ) -> None:
        super().__init__(
            sizes, weight=weight, target=target, class_weights=class_weights, beta=beta
        )
        if gamma < 0:
            raise UserError(f"gamma must be at least 0, got {gamma:g}")
        self.gamma = gamma

    @override
    def row_losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return -(1 - p)^gamma log p."""
        if not target.is_floating_point():
            target = one_hot(target, logits.shape[-1]).to(logits.dtype)
        log_p = logits.log_softmax(-1)
        hard = (1 - log_p.exp()).clamp(min=1e-6)  # a root's gradient is infinite at 0
        return -(target * hard.pow(self.gamma) * log_p).sum(-1)
