"""Statistics of low-level descriptors of the voice: a baseline that needs no pre-training."""

from typing import ClassVar

import numpy as np
import torch
import torchaudio.functional as F
from typing_extensions import override

from emorec.extractors.log_mel import FLOOR
from emorec.extractors.sound import SoundExtractor
from emorec.types import Array

MFCC = 4
PERCENTILES = (0.2, 0.5, 0.8)
DESCRIPTORS = 12 + MFCC
STATISTICS = 2 + len(PERCENTILES) + 1


class Functionals(SoundExtractor):
    """Mean, deviation, percentiles and range of 16 descriptors, float32 (96,).

    In the manner of eGeMAPS (Eyben et al. 2016, https://doi.org/10.1109/TAFFC.2015.2457417), but
    not that set: jitter, shimmer, formants and voiced segments are left out, and windows are
    short. Descriptors, in frames of 25 ms every 10 ms: energy, zero crossings, F0 (semitones above
    27.5 Hz, torchaudio's), spectral centroid, spread, roll-off (85 %), flux, alpha ratio (50 to
    1000 against 1000 to 5000 Hz), Hammarberg index (the peak of 0 to 2000 against that of 2000 to
    5000 Hz), spectral slopes (0 to 500 and 500 to 1500 Hz), mean level of the mel bands, and MFCC
    1 to 4. Statistics: mean, deviation, percentiles 20, 50 and 80, and the range of 20 to 80.

    For what counts as sound see :class:`SoundExtractor`.

    Args:
        sample_rate: Rate in Hz that the sound is resampled to, at least 16000.
    """

    version: ClassVar[int] = 1
    dtype: ClassVar[type[np.generic]] = np.float32
    pooled_axes: ClassVar[tuple[int, ...]] = ()

    def __init__(self, sample_rate: int = 16000) -> None:
        if sample_rate < 16000:
            raise ValueError(
                f"sample_rate must be at least 16000 Hz for descriptors up to 8000 Hz, got "
                f"{sample_rate}"
            )
        self.sample_rate = sample_rate

    @override
    @property
    def shape(self) -> tuple[int, ...]:
        """(96,)."""
        return (DESCRIPTORS * STATISTICS,)

    @override
    def arrays(self, samples: torch.Tensor) -> Array:
        """Return statistics, float32 (B, 96)."""
        frames = self.descriptors(samples)
        quantiles = frames.quantile(torch.tensor(PERCENTILES), dim=-1)
        spread = quantiles[-1] - quantiles[0]
        parts = [frames.mean(-1), frames.std(-1), *quantiles, spread]
        array: Array = torch.cat(parts, 1).numpy().astype(np.float32)
        return array

    def descriptors(self, samples: torch.Tensor) -> torch.Tensor:
        """Return float32 (B, 16, frames) of float32 (B, samples)."""
        rate = self.sample_rate
        size, hop = rate // 40, rate // 100
        cut = samples.unfold(1, size, hop)
        power = torch.fft.rfft(cut * torch.hann_window(size)).abs().square().transpose(1, 2)
        hertz = torch.fft.rfftfreq(size, 1 / rate)
        total = power.sum(1) + FLOOR
        centroid = (power * hertz[:, None]).sum(1) / total
        spread = ((power * hertz[:, None].square()).sum(1) / total - centroid.square()).clamp(min=0)
        rolled = (power.cumsum(1) < 0.85 * total.unsqueeze(1)).sum(1).clamp(max=len(hertz) - 1)
        shape = (power / total.unsqueeze(1)).sqrt()
        flux = torch.nn.functional.pad(shape.diff(dim=-1), (1, 0)).square().sum(1).sqrt()
        bands = F.melscale_fbanks(len(hertz), 20.0, 8000.0, 26, rate)
        mel = ((bands.T @ power) + FLOOR).log()
        cosines = F.create_dct(MFCC + 1, 26, "ortho")[:, 1:]
        described = [
            cut.square().mean(-1).add(FLOOR).log(),
            (cut[..., 1:] * cut[..., :-1] < 0).float().mean(-1),
            self._pitch(samples, power.shape[-1]),
            centroid,
            spread.sqrt(),
            hertz[rolled],
            flux,
            _level(power, hertz, 50, 1000) - _level(power, hertz, 1000, 5000),
            _peak(power, hertz, 0, 2000) - _peak(power, hertz, 2000, 5000),
            _slope(power, hertz, 0, 500),
            _slope(power, hertz, 500, 1500),
            mel.mean(1),
            *(cosines.T @ mel).unbind(1),
        ]
        return torch.stack(described, 1)

    def _pitch(self, samples: torch.Tensor, frames: int) -> torch.Tensor:
        """Return F0 in semitones above 27.5 Hz, (B, frames)."""
        found = F.detect_pitch_frequency(samples, self.sample_rate, 0.01, 10, 60, 500)
        found = found[:, :frames]
        found = torch.nn.functional.pad(found, (0, frames - found.shape[1]), mode="replicate")
        semitones: torch.Tensor = 12 * (found / 27.5).clamp(min=1e-3).log2()
        return semitones


def _part(power: torch.Tensor, hertz: torch.Tensor, low: float, high: float) -> torch.Tensor:
    return power[:, (hertz >= low) & (hertz < high)]


def _level(power: torch.Tensor, hertz: torch.Tensor, low: float, high: float) -> torch.Tensor:
    return (_part(power, hertz, low, high).sum(1) + FLOOR).log()


def _peak(power: torch.Tensor, hertz: torch.Tensor, low: float, high: float) -> torch.Tensor:
    return (_part(power, hertz, low, high).amax(1) + FLOOR).log()


def _slope(power: torch.Tensor, hertz: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """Return the slope of the log power over frequency, per kHz."""
    x = hertz[(hertz >= low) & (hertz < high)] / 1000
    x = x - x.mean()
    y = (_part(power, hertz, low, high) + FLOOR).log()
    return (y * x[:, None]).sum(1) / x.square().sum()
