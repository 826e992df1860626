"""Convolutions on the raw waveform: one feature a step of 40 ms."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool1d

from emorec.encoders.base import Encoder
from emorec.errors import UserError

Variant = Literal["code", "paper", "newer"]
ACROSS = 10  # channels that one maximum is taken over
DIMS = {"code": 1280, "paper": 1280, "newer": 256}


class RawWaveformEncoder(Encoder):
    """Samples at 16 kHz to features (B, T, dim), one for each step of 640 samples.

    The audio network of Tzirakis et al. 2017 (https://arxiv.org/abs/1704.08619), in front of the
    LSTM, in three variants:

    - ``code``, what the authors' code does, step by step: dropout 0.5 on the samples, 40 filters of
      20 taps, ReLU, pool 2 over time, 40 filters of 40 taps, ReLU, the maximum over each 10
      channels: 4 x 320 = 1280 features.
    - ``paper``, what the paper says as far as it is recalled, on the whole signal: 20 filters of
      5 ms (80 taps), half-wave rectified, pool 2, 40 filters of 500 ms (4000 taps at 8 kHz), the
      maximum over each 10 channels: 1280 features a step. That half-wave rectification is a ReLU,
      and that the signal is padded with zeros to keep its length, is ours.
    - ``newer``, of the same group's later code: convolutions of 64, 128 and 256 channels and 8, 6
      and 6 taps, each with ReLU (ours) and dropout, pools of 10, 8 and 8 over time: 256 features a
      step.

    Args:
        variant: Which.
        step: Samples a step; 640, 40 ms at 16 kHz, and for ``newer`` nothing else.
        dropout: On the samples (``code``), or after each layer (``newer``); ``paper`` has none.
    """

    def __init__(self, variant: Variant = "code", step: int = 640, dropout: float = 0.5) -> None:
        super().__init__()
        if variant not in DIMS:
            raise UserError(f"variant is one of {', '.join(DIMS)}, got {variant!r}")
        if step < 2 or step % 2 or (variant == "newer" and step != 640):
            raise UserError(f"step is an even number of samples, 640 for newer; got {step}")
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

    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, T, dim) of samples (B, T x step), -1 to 1.

        Raises:
            UserError: The samples are not a whole number of steps.
        """
        if x.ndim != 2 or x.shape[1] % self.step:
            raise UserError(
                f"RawWaveformEncoder reads a multiple of {self.step} samples a window, got "
                f"{' x '.join(map(str, x.shape[1:]))}: Waveform at 16 kHz, windows of whole steps"
            )
        steps = x.shape[1] // self.step
        if self.variant == "newer":
            x = x.unsqueeze(1)
            for layer, pool in zip(self.layers, (10, 8, 8), strict=True):
                x = self.drop(max_pool1d(self._same(layer, x).relu(), pool))
            return x.transpose(1, 2)
        # In the code, each step by itself; in the paper, the whole signal.
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
        """Convolve and keep the length, by the Fourier transform where the filters are long."""
        assert isinstance(layer, nn.Conv1d)
        taps = layer.weight.shape[-1]
        if taps > 256:
            return long_convolution(x, layer.weight, layer.bias)
        left = (taps - 1) // 2
        padded = nn.functional.pad(x, (left, taps - 1 - left))
        found: Tensor = layer(padded)
        return found


def long_convolution(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return what ``conv1d`` with ``padding="same"`` returns, in time that hardly depends on taps.

    Args:
        x: (B, channels, time); half precision is computed in float32, with autocast off.
        weight: (outputs, channels, taps).
        bias: (outputs,).
    """
    time, taps = x.shape[-1], weight.shape[-1]
    size = time + taps - 1
    with torch.autocast(x.device.type, enabled=False):
        signal = torch.fft.rfft(x.float(), size)
        # What torch calls a convolution is a correlation: the filter turned round.
        filters = torch.fft.rfft(weight.float().flip(-1), size)
        whole: Tensor = torch.fft.irfft(torch.einsum("bcf,ocf->bof", signal, filters), size)
        start = taps - 1 - (taps - 1) // 2
        found = whole[..., start : start + time]
        return found if bias is None else found + bias.float().unsqueeze(-1)
