"""Log-mel spectrogram of each window."""

import math
from functools import cache
from typing import ClassVar, Literal

import numpy as np
import torch
import torchaudio
from typing_extensions import override

from emorec.extractors.sound import SoundExtractor
from emorec.types import Array

FLOOR = 1e-10  # power; 1e-6 would floor about a fifth of the bins of real, quiet clips
QUIET = 0.1  # a frame with no band above the floor by this (natural log) is digital silence


class LogMel(SoundExtractor):
    """Log-mel power spectrogram, float16 (1, bands, frames), natural logarithm of power.

    Ma et al. 2020 use 94 bands, a Hann window of 40 ms and "10 ms overlapping", giving 94 x 94
    for half a second at 48 kHz. The stated numbers contradict each other. Two readings fit:
    ``hop256_center`` (256 samples at 48 kHz, padded at the edges: exactly 94 frames) and
    ``hop10ms_resize`` (10 ms, not padded: 47 frames, stretched to 94). The mel range is not
    stated: 20 to 8000 Hz. The image encoder repeats the image on three channels.

    For what counts as sound see :class:`SoundExtractor`.

    Args:
        sample_rate: Rate in Hz that the sound is resampled to (48000, 22050, 16000).
        bands: Number of mel bands.
        frames: Width of the result; spectrograms of another width are resized bilinearly.
        hop_mode: Which reading of the hop; see above.
        low: Lower edge of the lowest band, in Hz.
        high: Upper edge of the highest band, in Hz; None: half of the sampling rate.
        normalise: ``none``; ``utterance``: mean 0 and deviation 1 over all bands and windows of the
            clip, which removes its level (in a timeline: over each part of it). Frames of digital
            silence do not count.
        top_db: Values further below the loudest of the clip (in a timeline: of the part) are raised
            to this many decibels below it, which keeps the noise between words from dominating
            mean and deviation; None: all stay.

    Raises:
        ValueError: The mel range or ``top_db`` is out of range.
    """

    version: ClassVar[int] = 2
    dtype: ClassVar[type[np.generic]] = np.float16
    pooled_axes: ClassVar[tuple[int, ...]] = (0, 2)

    def __init__(
        self,
        sample_rate: int = 48000,
        bands: int = 94,
        frames: int = 94,
        hop_mode: Literal["hop256_center", "hop10ms_resize"] = "hop256_center",
        low: float = 20.0,
        high: float | None = 8000.0,
        normalise: Literal["none", "utterance"] = "none",
        top_db: float | None = None,
    ) -> None:
        if top_db is not None and not top_db > 0:
            raise ValueError(f"top_db must be above 0 decibels, or null for all, got {top_db:g}")
        if high is not None and not 0 <= low < high <= sample_rate / 2:
            raise ValueError(
                f"mel bands go from low to high with 0 <= low < high <= {sample_rate / 2:g} Hz "
                f"(half of the sampling rate); got {low:g} to {high:g} Hz"
            )
        self.sample_rate, self.bands, self.frames = sample_rate, bands, frames
        self.hop_mode, self.low, self.high, self.normalise = hop_mode, low, high, normalise
        self.top_db = top_db

    @override
    @property
    def shape(self) -> tuple[int, ...]:
        """(1, bands, frames)."""
        return (1, self.bands, self.frames)

    @override
    def arrays(self, samples: torch.Tensor) -> Array:
        """Return spectrograms, float16 (B, 1, bands, frames)."""
        plain = found = self.spectrogram(samples)
        if self.top_db is not None:
            found = plain.clamp(min=plain.max() - self.top_db * math.log(10) / 10)
        if self.normalise == "utterance":
            heard = plain.amax(2, keepdim=True) > math.log(FLOOR) + QUIET
            values = found.masked_select(heard)
            if values.numel():
                found = (found - values.mean()) / values.std(correction=0).clamp(min=1e-3)
        return found.numpy().astype(np.float16)

    def spectrogram(self, samples: torch.Tensor) -> torch.Tensor:
        """Return float32 (B, 1, bands, frames), log power, of float32 (B, samples) in [-1, 1]."""
        window = round(0.04 * self.sample_rate)
        n_fft = 1 << (window - 1).bit_length()
        centred = self.hop_mode == "hop256_center"
        if centred:
            # Rounded up, so that half a second gives 94 frames at 16, 22.05 and 48 kHz alike.
            hop = -(-256 * self.sample_rate // 48000)
        else:
            hop = round(0.01 * self.sample_rate)
            # Without padding, samples at the edges would be lost: torch centres the shorter Hann
            # window in n_fft samples, so half of the difference is added on each side.
            extra = (n_fft - window) // 2
            samples = torch.nn.functional.pad(samples, (extra, n_fft - window - extra))
        bins = torchaudio.functional.spectrogram(
            samples, 0, torch.hann_window(window), n_fft, hop, window, None, False, centred
        )
        # Squaring both parts is several times faster than abs(), and most bins are above the
        # highest band.
        high = self.sample_rate / 2 if self.high is None else self.high
        used = min(n_fft // 2 + 1, int(high / self.sample_rate * n_fft) + 2)
        power = bins.real[:, :used].square() + bins.imag[:, :used].square()
        bands = _mel_bands(n_fft // 2 + 1, self.low, high, self.bands, self.sample_rate)
        mel = (bands[:used].T @ power).unsqueeze(1)
        if mel.shape[-1] != self.frames:
            size = (self.bands, self.frames)
            mel = torch.nn.functional.interpolate(mel, size, mode="bilinear")
        return torch.log(mel + FLOOR)


@cache  # it takes as long as a clip's spectrograms
def _mel_bands(bins: int, low: float, high: float, bands: int, rate: int) -> torch.Tensor:
    """Return the weights (bins, bands) of triangular mel bands."""
    weights: torch.Tensor = torchaudio.functional.melscale_fbanks(bins, low, high, bands, rate)
    return weights
