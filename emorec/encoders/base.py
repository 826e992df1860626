"""The interfaces of encoders."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType

from torch import Tensor, nn

from emorec.networks.packaged import WeightsError
from emorec.types import Sizes

__all__ = ["Encoder", "LabelEncoder", "WeightsError"]


class Encoder(nn.Module, ABC):
    """Maps a tensor of one modality to features.

    The constructor accesses neither disk nor network; weights are read by
    :meth:`load_initial_weights`.

    Attributes:
        dim: Feature dimension D.
        sides: Name -> dimension of further features that only objectives see, such as the map that
            a decoder starts from: ``NAME-SIDE`` is that of the encoder NAME.
    """

    dim: int
    sides: Mapping[str, int] = MappingProxyType({})

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        r"""Return float features (B, \*T, dim) of a standardised float input (B, ...).

        Those of :attr:`sides`, if any, follow on the last axis, in their order.
        """

    @property
    def has_fixed_part(self) -> bool:
        """Whether ``forward`` is :meth:`learned` of :meth:`fixed`, which training does not change.

        Training then runs :meth:`fixed` once a window and remembers its output.
        """
        return False

    def fixed(self, x: Tensor) -> Tensor:
        """Return what the part that never learns makes of an input, (B, ...), row by row."""
        return x

    def learned(self, x: Tensor) -> Tensor:
        """Return the features of what :meth:`fixed` returned."""
        features: Tensor = self(x)
        return features

    def check_weights(self) -> None:
        """Check that a file of pre-trained weights exists, without reading it.

        Raises:
            WeightsError: It does not exist.
        """

    def load_initial_weights(self) -> None:
        """Read pre-trained weights, if any are configured.

        Called once, before a fit that does not resume; checkpoints hold the result.

        Raises:
            WeightsError: They cannot be read or do not fit.
        """


class LabelEncoder(nn.Module, ABC):
    """Maps labels to features, in training only: they never reach the fusion.

    Args:
        sizes: Feature dimensions; ``outputs`` has the number of classes.

    Attributes:
        dim: Feature dimension D.
    """

    dim: int

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()

    @abstractmethod
    def forward(self, target: Tensor) -> Tensor:
        """Return float features (B, dim) of int64 class indices (B,)."""
