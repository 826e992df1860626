"""The interfaces of encoders."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from emorec.networks.packaged import WeightsError
from emorec.types import Sizes

__all__ = ["Encoder", "LabelEncoder", "WeightsError"]


class Encoder(nn.Module, ABC):
    """Tensor of one modality to features.

    The constructor touches no disk and no network; weights are read by
    :meth:`load_initial_weights`.

    Attributes:
        dim: Width D of the features.
    """

    dim: int

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        r"""Return float features (B, \*T, dim) of a standardised float input (B, ...)."""

    def check_weights(self) -> None:
        """Check that a file with pre-trained weights is there, without reading it.

        Raises:
            WeightsError: It is not.
        """

    def load_initial_weights(self) -> None:
        """Read pre-trained weights, if the encoder was given any.

        Called once, before a fit that does not resume; a checkpoint holds the result.

        Raises:
            WeightsError: They cannot be had or do not fit.
        """


class LabelEncoder(nn.Module, ABC):
    """Labels to features, in training only: what it returns never reaches the fusion.

    Args:
        sizes: Widths; ``outputs`` has the number of classes.

    Attributes:
        dim: Width D of the features.
    """

    dim: int

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()

    @abstractmethod
    def forward(self, target: Tensor) -> Tensor:
        """Return float features (B, dim) of int64 class indices (B,)."""
