"""What soft-HGR is compared with: other losses that make features agree, in the same form."""

from typing import ClassVar

from torch import Tensor

from emorec.functional import barlow_twins, deep_cca, info_nce, vicreg
from emorec.objectives.pairs import PairObjective
from emorec.types import Sizes


class DeepCCA(PairObjective):
    """Minus the sum of canonical correlations; see :func:`emorec.functional.alignment`.

    Args:
        sizes: Widths, given by the task.
        pairs: As for :class:`SoftHGR`; the widths of a pair may differ.
        weight: Factor in the total loss.
        ridge: Added to the variances of the features.
    """

    one_width: ClassVar[bool] = False

    of_epoch: ClassVar[bool] = True

    def __init__(
        self,
        sizes: Sizes,
        pairs: list[str] | None = None,
        *,
        weight: float = 1.0,
        ridge: float = 1e-3,
    ) -> None:
        super().__init__(sizes, pairs, weight=weight)
        self.ridge = ridge

    def compare(self, f: Tensor, g: Tensor, rows: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return minus the sum of correlations, and the sum itself."""
        total = deep_cca(f, g, rows, ridge=self.ridge)
        return -total, {"correlation": total.detach()}


class BarlowTwins(PairObjective):
    """Distance of the cross-correlation from the identity; see ``functional.barlow_twins``.

    Args:
        sizes: Widths, given by the task.
        pairs: As for :class:`SoftHGR`.
        weight: Factor in the total loss.
        off_diagonal: The paper's lambda, the weight of correlations between other features.
    """

    of_epoch: ClassVar[bool] = True

    def __init__(
        self,
        sizes: Sizes,
        pairs: list[str] | None = None,
        *,
        weight: float = 1.0,
        off_diagonal: float = 5e-3,
    ) -> None:
        super().__init__(sizes, pairs, weight=weight)
        self.off_diagonal = off_diagonal

    def compare(self, f: Tensor, g: Tensor, rows: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of one pair."""
        loss = barlow_twins(f, g, rows, off_diagonal=self.off_diagonal)
        return loss, {"loss": loss.detach()}


class VICReg(PairObjective):
    """Variance, invariance and covariance terms; see :func:`emorec.functional.alignment`.

    Args:
        sizes: Widths, given by the task.
        pairs: As for :class:`SoftHGR`.
        weight: Factor in the total loss.
        invariance: The paper's lambda.
        variance: The paper's mu.
        covariance: The paper's nu.
    """

    of_epoch: ClassVar[bool] = True

    def __init__(
        self,
        sizes: Sizes,
        pairs: list[str] | None = None,
        *,
        weight: float = 1.0,
        invariance: float = 25.0,
        variance: float = 25.0,
        covariance: float = 1.0,
    ) -> None:
        super().__init__(sizes, pairs, weight=weight)
        self.weights = {
            "invariance": invariance,
            "variance": variance,
            "covariance": covariance,
        }

    def compare(self, f: Tensor, g: Tensor, rows: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of one pair."""
        loss = vicreg(f, g, rows, **self.weights)
        return loss, {"loss": loss.detach()}


class InfoNCE(PairObjective):
    """Each row finds its own partner among all rows; see :func:`emorec.functional.alignment`.

    Rows of one class repel each other too, also in pairs with the label, where the loss has a
    floor above 0.

    Args:
        sizes: Widths, given by the task.
        pairs: As for :class:`SoftHGR`.
        weight: Factor in the total loss.
        temperature: Divides the cosines.
    """

    def __init__(
        self,
        sizes: Sizes,
        pairs: list[str] | None = None,
        *,
        weight: float = 1.0,
        temperature: float = 0.1,
    ) -> None:
        super().__init__(sizes, pairs, weight=weight)
        self.temperature = temperature

    def compare(self, f: Tensor, g: Tensor, rows: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of one pair."""
        loss = info_nce(f, g, rows, temperature=self.temperature)
        return loss, {"loss": loss.detach()}
