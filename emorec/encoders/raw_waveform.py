"""Convolutions on the raw waveform: one feature vector per step of 40 ms."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool1d
from typing_extensions import override

from emorec.encoders.base import Encoder
from emorec.errors import UserError

Variant = Literal["code", "paper", "newer"]
ACROSS = 10  # channels per max pooling group
DIMS = {"code": 1280, "paper": 1280, "newer": 256}


class RawWaveformEncoder(Encoder):
    """Samples at 16 kHz to features (B, T, dim), one vector for each step of 640 samples.

    The audio network of Tzirakis et al. 2017 (https://arxiv.org/abs/1704.08619), before the LSTM,
    in three variants:

    - ``code``, as in the authors' code, on each step separately: dropout 0.5 on the samples, 40
      filters of 20 taps, ReLU, max pooling by 2 over time, 40 filters of 40 taps, ReLU, max pooling
      over 10 channels: 4 x 320 = 1280 features.
    - ``paper``, as we recall the paper, on the whole signal: 20 filters of 5 ms (80 taps),
      half-wave rectification, max pooling by 2, 40 filters of 500 ms (4000 taps at 8 kHz), max
      pooling over 10 channels: 1280 features per step. ReLU as half-wave rectification and zero
      padding that keeps the signal's length are ours.
    - ``newer``, from the same group's later code: convolutions of 64, 128 and 256 channels and 8, 6
      and 6 taps, each with ReLU (ours) and dropout, max pooling by 10, 8 and 8 over time: 256
      features per step.

    Args:
        variant: ``code``, ``paper`` or ``newer``.
        step: Samples per step: 640 (40 ms at 16 kHz), the only choice for ``newer``.
        dropout: Dropout on the samples (``code``) or after each layer (``newer``); unused by
            ``paper``.
    """

    def __init__(self, variant: Variant = "code", step: int = 640, dropout: float = 0.5) -> None:
        super().__init__()
        if variant not in DIMS:
            raise UserError(f"variant must be one of {', '.join(DIMS)}, got {variant!r}")
        if step < 2 or step % 2 or (variant == "newer" and step != 640):
            raise UserError(f"step must be an even number of samples, 640 for newer; got {step}")
        self.variant, self.step = variant, step
        self.dim = 256 if variant == "newer" else 4 * step // 2
        self.drop = nn.Dropout(dropout)
        if variant == "newer":
            layers = [nn.Conv1d(1, 64, 8), nn.Conv1d(64, 128, 6), nn.Conv1d(128, 256, 6)]
        elif variant == "paper":
            layers = [nn.Conv1d(1, 20, 80), nn.Conv1d(20, 40, 4000)]
        else:
            layers = [nn.Conv1d(1, 40, 20), nn.Conv1d(40, 40, 40)]
        self.layers = nn.ModuleList(layers)

    @override
    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, T, dim) of samples (B, T x step) in -1 to 1.

        Raises:
            UserError: The number of samples is not a multiple of ``step``.
        """
        if x.ndim != 2 or x.shape[1] % self.step:
            raise UserError(
                f"RawWaveformEncoder needs a multiple of {self.step} samples per window, got "
                f"{' x '.join(map(str, x.shape[1:]))}: use Waveform at 16 kHz and windows of whole "
                "steps"
            )
        steps = x.shape[1] // self.step
        if self.variant == "newer":
            x = x.unsqueeze(1)
            for layer, pool in zip(self.layers, (10, 8, 8), strict=True):
                x = self.drop(max_pool1d(self._same(layer, x).relu(), pool))
            return x.transpose(1, 2)
        # ``code`` processes each step separately, ``paper`` the whole signal.
        by_step = self.variant == "code"
        x = self.drop(x.reshape(-1, 1, self.step)) if by_step else x.unsqueeze(1)
        first, second = self.layers
        x = max_pool1d(self._same(first, x).relu(), 2)
        x = self._same(second, x)
        x = x.relu() if by_step else x
        x = x.reshape(len(x), -1, ACROSS, x.shape[-1]).amax(2)  # (rows, 4, time)
        if by_step:
            return x.reshape(-1, steps, self.dim)
        return x.reshape(len(x), -1, steps, self.step // 2).transpose(1, 2).flatten(2)

    def _same(self, layer: nn.Module, x: Tensor) -> Tensor:
        """Convolve, keeping the length; by Fourier transform for long filters."""
        assert isinstance(layer, nn.Conv1d)
        taps = layer.weight.shape[-1]
        if taps > 256:
            return long_convolution(x, layer.weight, layer.bias)
        left = (taps - 1) // 2
        padded = nn.functional.pad(x, (left, taps - 1 - left))
        convolved: Tensor = layer(padded)
        return convolved


def long_convolution(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return ``conv1d`` with ``padding="same"``, in time that hardly depends on the taps.

    Args:
        x: (B, channels, time); half precision is computed in float32, with autocast off.
        weight: (outputs, channels, taps).
        bias: (outputs,).
    """
    time, taps = x.shape[-1], weight.shape[-1]
    size = time + taps - 1
    with torch.autocast(x.device.type, enabled=False):
        signal = torch.fft.rfft(x.float(), size)
        # torch's convolution is a correlation, hence the flip.
        filters = torch.fft.rfft(weight.float().flip(-1), size)
        whole: Tensor = torch.fft.irfft(torch.einsum("bcf,ocf->bof", signal, filters), size)
        start = taps - 1 - (taps - 1) // 2
        same = whole[..., start : start + time]
        return same if bias is None else same + bias.float().unsqueeze(-1)
