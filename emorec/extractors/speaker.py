"""What a pre-trained speaker encoder makes of a voice, as one vector a window."""

from typing import Any, ClassVar

import numpy as np
import torch

from emorec.extractors.sound import SoundExtractor
from emorec.networks import VoiceNetwork
from emorec.networks.voice import DESCRIBED, RATE, raise_level
from emorec.types import Array


class SpeakerEmbedding(SoundExtractor):
    """A frozen speaker encoder on the sound of each window, float32 (1280,).

    Wan et al. 2018 (https://arxiv.org/abs/1710.10467) with the weights that the package Resemblyzer
    carries (Apache-2.0): ``pip install --no-deps resemblyzer==0.1.4``. The numbers are the
    embedding of the window, and mean and standard deviation of the outputs of the last two of its
    three LSTM layers. It was trained to distinguish speakers; that its outputs, those of the
    second layer above all, also distinguish emotions is an observation, not a claim of the paper.
    Quiet windows are amplified to -30 dBFS first, as the package does.

    It takes windows of any length, such as whole utterances
    (:class:`~emorec.windows.WholeClip`); the network looks at 1.6 s at a time. For what counts as
    sound see :class:`SoundExtractor`.
    """

    version: ClassVar[int] = 1
    dtype: ClassVar[type[np.generic]] = np.float32
    pooled_axes: ClassVar[tuple[int, ...]] = ()
    sample_rate = RATE

    def __init__(self) -> None:
        self._network: VoiceNetwork | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(1280,)."""
        return (DESCRIBED,)

    @torch.inference_mode()
    def arrays(self, samples: torch.Tensor) -> Array:
        """Return the vectors, float32 (B, 1280).

        Raises:
            WeightsError: The weights are not installed, or not as expected.
        """
        if self._network is None:
            self._network = VoiceNetwork.pretrained().to(self.device)
        found = self._network.describe(raise_level(samples.to(self.device)))
        array: Array = found.cpu().numpy()
        return array

    def __getstate__(self) -> dict[str, Any]:
        """Leave the network behind: each worker process makes its own."""
        return self.__dict__ | {"_network": None}
