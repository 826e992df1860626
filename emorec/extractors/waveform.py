"""The samples of each window, for encoders that read waveforms."""

from typing import ClassVar

import numpy as np
import torch
from typing_extensions import override

from emorec.errors import UserError
from emorec.extractors.sound import SoundExtractor
from emorec.types import Array


class Waveform(SoundExtractor):
    """Mono samples, int16 (samples,), full scale 32767; encoders see them as -1 to 1.

    For what counts as sound see :class:`SoundExtractor`.

    Args:
        sample_rate: Rate in Hz that the sound is resampled to; 16000 is what pre-trained speech
            encoders expect.
        length: Length of the windows, in seconds; the same as in ``data.windows``, or as that of
            :class:`Around`.
    """

    version: ClassVar[int] = 1
    dtype: ClassVar[type[np.generic]] = np.int16
    pooled_axes: ClassVar[tuple[int, ...]] = (0,)

    def __init__(self, sample_rate: int = 16000, length: float = 0.5) -> None:
        if sample_rate < 1 or length <= 0:
            raise UserError(
                f"sample_rate and length must be above 0, got {sample_rate} and {length}"
            )
        self.sample_rate, self.length = sample_rate, length

    @override
    @property
    def shape(self) -> tuple[int, ...]:
        """(samples,)."""
        return (round(self.sample_rate * self.length),)

    @override
    def constants(self) -> tuple[Array, Array]:
        """0 and 32767."""
        return np.zeros(1, np.float32), np.full(1, 32767, np.float32)

    @override
    def arrays(self, samples: torch.Tensor) -> Array:
        """Return the samples, int16 (B, samples).

        Raises:
            UserError: The windows have another length.
        """
        if samples.shape[1:] != self.shape:
            raise UserError(
                f"Waveform has length {self.length:g} s, but the windows have "
                f"{samples.shape[1] / self.sample_rate:g} s: give it that length"
            )
        scaled = (samples * 32767).round().clamp(-32768, 32767)
        array: Array = scaled.numpy().astype(np.int16)
        return array
