"""The interface of a fusion."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from emorec.types import Sizes


class Fusion(nn.Module, ABC):
    """Maps the features of the modalities to one fused feature, and makes the head on it.

    Args:
        sizes: Feature dimensions, given by the task; of the modalities only, never of the label.

    Attributes:
        dim: Dimension of the fused feature.
        relates_rows: Whether it relates rows of a batch, such as the utterances of a dialogue:
            :meth:`related` is then called in place of :meth:`forward`.
    """

    dim: int
    relates_rows: bool = False

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()

    @abstractmethod
    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        r"""Return (B, \*T, dim).

        Args:
            features: Modality -> (B, \\*T, D); rows of an absent modality are zero.
            present: Modality -> bool (B,).
        """

    def related(
        self,
        features: dict[str, Tensor],
        present: dict[str, Tensor],
        context: Tensor | None,
    ) -> Tensor:
        r"""Return (B, \*T, dim), as :meth:`forward`; rows may depend on others of their context.

        Args:
            features: As in :meth:`forward`.
            present: As in :meth:`forward`.
            context: int64 (B,), the same number in rows that belong together; None: no row belongs
                to another.
        """
        fused: Tensor = self(features, present)
        return fused

    @staticmethod
    def as_mask(present: Tensor, features: Tensor) -> Tensor:
        r"""Return a bool mask (B,) as 0 and 1, to be multiplied with features (B, \*T, D)."""
        return present.view(-1, *[1] * (features.ndim - 1)).to(features.dtype)

    def observe_validation(
        self, features: dict[str, Tensor], present: dict[str, Tensor], target: Tensor
    ) -> None:
        """Collect a batch of validation clips after training; see :meth:`fit_on_validation`.

        Args:
            features: As in :meth:`forward`.
            present: As in :meth:`forward`.
            target: int64 (B,), the class; -1 where unlabelled.
        """

    def fit_on_validation(self) -> bool:
        """Fit on the collected validation clips, and return whether anything changed.

        Called once, on all ranks, after training, with the selected weights. Does nothing unless
        overridden.
        """
        return False

    def head(self, outputs: int) -> nn.Module:
        """Return the layer from the fused feature to ``outputs`` logits or values."""
        return nn.Linear(self.dim, outputs)
