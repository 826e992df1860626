"""Baselines for soft-HGR: other losses that align features, with the same interface."""

from typing import ClassVar

from torch import Tensor
from typing_extensions import override

from emorec.functional import barlow_twins, deep_cca, info_nce, vicreg
from emorec.objectives.pairs import PairObjective, Rows
from emorec.types import Sizes


class DeepCCA(PairObjective):
    """Minus the sum of canonical correlations; see :func:`emorec.functional.alignment`.

    Args:
        sizes: Feature dimensions, given by the task.
        pairs: As for :class:`SoftHGR`; the dimensions of a pair may differ.
        weight: Factor in the total loss.
        ridge: Added to the variances of the features.
        rows: As for :class:`SoftHGR`.
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
        rows: Rows = "all",
    ) -> None:
        super().__init__(sizes, pairs, weight=weight, rows=rows)
        self.ridge = ridge

    @override
    def compare(self, f: Tensor, g: Tensor, rows: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return minus the sum of the correlations, and the sum itself."""
        total = deep_cca(f, g, rows, ridge=self.ridge)
        return -total, {"correlation": total.detach()}


class BarlowTwins(PairObjective):
    """Distance of the cross-correlation from the identity; see ``functional.barlow_twins``.

    Args:
        sizes: Feature dimensions, given by the task.
        pairs: As for :class:`SoftHGR`.
        weight: Factor in the total loss.
        off_diagonal: The paper's lambda, the weight of the off-diagonal correlations.
        rows: As for :class:`SoftHGR`.
    """

    of_epoch: ClassVar[bool] = True

    def __init__(
        self,
        sizes: Sizes,
        pairs: list[str] | None = None,
        *,
        weight: float = 1.0,
        off_diagonal: float = 5e-3,
        rows: Rows = "all",
    ) -> None:
        super().__init__(sizes, pairs, weight=weight, rows=rows)
        self.off_diagonal = off_diagonal

    @override
    def compare(self, f: Tensor, g: Tensor, rows: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        loss = barlow_twins(f, g, rows, off_diagonal=self.off_diagonal)
        return loss, {"loss": loss.detach()}


class VICReg(PairObjective):
    """Variance, invariance and covariance terms; see :func:`emorec.functional.alignment`.

    Args:
        sizes: Feature dimensions, given by the task.
        pairs: As for :class:`SoftHGR`.
        weight: Factor in the total loss.
        invariance: The paper's lambda.
        variance: The paper's mu.
        covariance: The paper's nu.
        rows: As for :class:`SoftHGR`.
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
        rows: Rows = "all",
    ) -> None:
        super().__init__(sizes, pairs, weight=weight, rows=rows)
        self.weights = {
            "invariance": invariance,
            "variance": variance,
            "covariance": covariance,
        }

    @override
    def compare(self, f: Tensor, g: Tensor, rows: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        loss = vicreg(f, g, rows, **self.weights)
        return loss, {"loss": loss.detach()}


class InfoNCE(PairObjective):
    """Contrastive loss of matching rows among all rows; see :func:`emorec.functional.alignment`.

    Rows of the same class repel each other too, even in pairs with the label, where the loss
    therefore stays above 0.

    Args:
        sizes: Feature dimensions, given by the task.
        pairs: As for :class:`SoftHGR`.
        weight: Factor in the total loss.
        temperature: Divides the cosines.
        rows: As for :class:`SoftHGR`.
    """

    def __init__(
        self,
        sizes: Sizes,
        pairs: list[str] | None = None,
        *,
        weight: float = 1.0,
        temperature: float = 0.1,
        rows: Rows = "all",
    ) -> None:
        super().__init__(sizes, pairs, weight=weight, rows=rows)
        self.temperature = temperature

    @override
    def compare(self, f: Tensor, g: Tensor, rows: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        loss = info_nce(f, g, rows, temperature=self.temperature)
        return loss, {"loss": loss.detach()}
