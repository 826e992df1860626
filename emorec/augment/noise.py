"""Noise on waveforms and log-mels, and reverberation of waveforms."""

import torch
from torch import Tensor
from torchaudio.functional import add_noise, fftconvolve
from typing_extensions import override

from emorec.augment.base import InputAugmentation
from emorec.errors import UserError


class Noise(InputAugmentation):
    """Adds white noise at a random signal-to-noise ratio.

    A waveform (B, samples) gets Gaussian noise. A log-mel (B, 1, bands, frames) of power gets
    exponentially distributed power in each bin, with one mean: noise about equally strong in all
    mel bands (white noise is stronger in the high ones, which are wider).

    Args:
        modality: Whose arrays.
        snr: Lowest and highest ratio, in dB.
        rate: Share of rows that are changed, 0 to 1.
    """

    def __init__(
        self, modality: str = "audio", snr: tuple[float, float] = (5.0, 30.0), rate: float = 0.5
    ) -> None:
        super().__init__(modality, rate)
        if snr[0] > snr[1]:
            raise UserError(f"snr must be the lowest and the highest ratio in dB, got {snr}")
        self.snr = snr

    @override
    def change(self, x: Tensor) -> Tensor:
        """Return noisy arrays.

        Raises:
            UserError: The arrays are pictures.
        """
        if x.ndim > 2 and x.shape[1] != 1:
            raise UserError(f"Noise is for sound, {self.modality} is {tuple(x.shape[1:])}")
        low, high = self.snr
        snr = low + (high - low) * torch.rand(len(x), device=x.device)
        if x.ndim == 2:
            noisy: Tensor = add_noise(x, torch.randn_like(x), snr)
            return noisy
        power = x.exp()
        mean = power.mean((-2, -1), keepdim=True)
        ratio = 10 ** (-snr / 10).view(-1, *[1] * (x.ndim - 1))
        return (power + mean * ratio * torch.empty_like(x).exponential_()).log()


class Reverberation(InputAugmentation):
    """Reverberates a waveform with a random, generated impulse response.

    The response is the direct sound and, from 2 ms on, noise that decays by 60 dB within the
    reverberation time: a model of a room without early reflections (Polack 1988), so no recordings
    are needed. The RMS level stays the same.

    Args:
        modality: Whose arrays, (samples,).
        seconds: Shortest and longest reverberation time, to -60 dB.
        direct: Lowest and highest direct-to-reverberant energy ratio, in dB.
        sample_rate: In Hz, the extractor's.
        rate: Share of rows that are changed, 0 to 1.
    """

    def __init__(
        self,
        modality: str = "audio",
        seconds: tuple[float, float] = (0.1, 0.6),
        direct: tuple[float, float] = (0.0, 15.0),
        sample_rate: int = 16000,
        rate: float = 0.5,
    ) -> None:
        super().__init__(modality, rate)
        if not 0 < seconds[0] <= seconds[1]:
            raise UserError(
                f"seconds must be the shortest and the longest time, above 0; got {seconds}"
            )
        self.seconds, self.direct, self.sample_rate = seconds, direct, sample_rate

    def responses(self, count: int, device: torch.device) -> Tensor:
        """Return impulse responses, float32 (count, samples); the first sample is the direct, 1."""
        draw = torch.rand(2, count, 1, device=device)
        length = self.seconds[0] + (self.seconds[1] - self.seconds[0]) * draw[0]
        ratio = self.direct[0] + (self.direct[1] - self.direct[0]) * draw[1]
        times = torch.arange(round(self.seconds[1] * self.sample_rate), device=device)
        times = times / self.sample_rate
        tail = torch.randn(count, len(times), device=device) * 10 ** (-3 * times / length)
        tail = tail.masked_fill(times < 0.002, 0)
        energy = tail.square().sum(1, keepdim=True).clamp(min=1e-12)
        tail = tail * (10 ** (-ratio / 10) / energy).sqrt()
        tail[:, 0] = 1
        return tail

    @override
    def change(self, x: Tensor) -> Tensor:
        """Return reverberant waveforms.

        Raises:
            UserError: The arrays are not waveforms.
        """
        if x.ndim != 2:
            raise UserError(f"Reverberation needs waveforms, {self.modality} is {x.shape[1:]}")
        wet: Tensor = fftconvolve(x, self.responses(len(x), x.device))[:, : x.shape[1]]
        loudness = x.square().mean(1, keepdim=True).sqrt()
        return wet * loudness / wet.square().mean(1, keepdim=True).sqrt().clamp(min=1e-12)
