"""The interface of a fusion."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from emorec.types import Sizes


class Fusion(nn.Module, ABC):
    """Features of the modalities to one feature, and the head on it.

    Args:
        sizes: Widths, given by the task; ``features`` has the modalities only, never the label.

    Attributes:
        dim: Width of the fused feature.
    """

    dim: int

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()

    @abstractmethod
    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        r"""Return (B, \*T, dim).

        Args:
            features: Modality -> (B, \\*T, D); rows of an absent modality are zero.
            present: Modality -> bool (B,).
        """

    @staticmethod
    def there(present: Tensor, features: Tensor) -> Tensor:
        r"""Return a mask (B,) as 0 and 1 that multiply features (B, \*T, D)."""
        return present.view(-1, *[1] * (features.ndim - 1)).to(features.dtype)

    def observe_validation(
        self, features: dict[str, Tensor], present: dict[str, Tensor], target: Tensor
    ) -> None:
        """Take note of a batch of validation clips after training; see :meth:`fit_on_validation`.

        Args:
            features: As in :meth:`forward`.
            present: As in :meth:`forward`.
            target: int64 (B,), the class; -1 where unlabelled.
        """

    def fit_on_validation(self) -> bool:
        """Fit what is fitted on validation clips, and return whether something has changed.

        Called once, on all ranks, after training, with the weights that were chosen; nothing is
        fitted unless it is overridden.
        """
        return False

    def head(self, outputs: int) -> nn.Module:
        """Return the layer from the fused feature to ``outputs`` logits or values."""
        return nn.Linear(self.dim, outputs)
