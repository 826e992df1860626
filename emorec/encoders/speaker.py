"""A pre-trained speaker encoder on the samples of a window."""

from typing import Literal

import torch
from torch import Tensor, nn

from emorec.encoders.base import Encoder
from emorec.networks import VoiceNetwork
from emorec.networks.voice import DESCRIBED, WEIGHTS, raise_level


class SpeakerEncoder(Encoder):
    """Three LSTM layers that were trained to tell speakers apart, and a layer to ``dim`` features.

    Wan et al. 2018 (https://arxiv.org/abs/1710.10467), 40 mel bands of 25 ms every 10 ms at 16 kHz,
    in parts of 1.6 s. The input of the last layer is the window's embedding, and mean and
    deviation of the outputs of the last two LSTM layers, 1280 numbers. For a frozen one
    that runs once per clip see :class:`emorec.extractors.SpeakerEmbedding`.

    Args:
        weights: ``package``: those that Resemblyzer carries (Apache-2.0,
            ``pip install --no-deps resemblyzer==0.1.4``), or ``none``: random.
        dim: Width of the features.
        frozen: Whether the LSTM stays as it is; the last layer learns.
    """

    def __init__(
        self,
        weights: Literal["package", "none"] = "package",
        dim: int = 512,
        frozen: bool = True,
    ) -> None:
        super().__init__()
        self.weights, self.dim, self.frozen = weights, dim, frozen
        self.network = VoiceNetwork().requires_grad_(not frozen)
        self.last = nn.Linear(DESCRIBED, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, dim) of samples (B, samples) at 16 kHz in -1 to 1."""
        return self.learned(self.fixed(x))

    @property
    def has_fixed_part(self) -> bool:
        """Whether it is frozen."""
        return self.frozen

    def fixed(self, x: Tensor) -> Tensor:
        """Return the 1280 numbers of each window."""
        learning = torch.is_grad_enabled() and not self.frozen
        # In single precision: powers of quiet bands are below what half precision has.
        with torch.set_grad_enabled(learning), torch.autocast(x.device.type, enabled=False):
            return self.network.describe(raise_level(x.float()))

    def learned(self, x: Tensor) -> Tensor:
        """Return features (B, dim) of those numbers."""
        features: Tensor = self.last(x.to(self.last.weight.dtype))
        return features

    def check_weights(self) -> None:
        """Check that the package is installed, if its weights are wanted."""
        if self.weights == "package":
            WEIGHTS.path()

    def load_initial_weights(self) -> None:
        """Read the weights of the package; the last layer keeps its random ones."""
        if self.weights == "package":
            self.network.load_pretrained()
