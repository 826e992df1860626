"""A speaker encoder whose weights the package Resemblyzer carries.

Wan et al. 2018, "Generalized End-to-End Loss for Speaker Verification",
https://arxiv.org/abs/1710.10467, as published with https://github.com/resemble-ai/Resemblyzer
(Apache-2.0): three LSTM layers of 256 units on 40 mel bands, trained to tell speakers apart.
"""

import math
from typing import Self

import torch
import torchaudio.functional as F
from torch import Tensor, nn

from emorec.networks.packaged import PackagedWeights

RATE = 16000  # Hz
FFT, HOP, BANDS = 400, 160, 40  # samples: 25 ms every 10 ms
PART = 160  # frames a part: 1.6 s
STEP = round(RATE / 1.3 / HOP)  # frames from one part to the next: 1.3 parts a second
COVERED = 0.75  # of the last part, at least; else it is left out
WIDTH = 256
DESCRIBED = 5 * WIDTH  # numbers that describe a window
LEVEL = -30.0  # dB of full scale
WEIGHTS = PackagedWeights(
    "resemblyzer",
    "0.1.4",
    "resemblyzer/pretrained.pt",
    "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
    "Apache-2.0",
)


class VoiceNetwork(nn.Module):
    """The speaker encoder, from samples to what it makes of them."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.ModuleList(
            nn.LSTM(before, WIDTH, batch_first=True) for before in (BANDS, WIDTH, WIDTH)
        )
        self.linear = nn.Linear(WIDTH, WIDTH)
        bank = F.melscale_fbanks(
            FFT // 2 + 1, 0.0, RATE / 2, BANDS, RATE, norm="slaney", mel_scale="slaney"
        )
        self.bank: Tensor
        self.window: Tensor
        self.register_buffer("bank", bank, persistent=False)
        self.register_buffer("window", torch.hann_window(FFT), persistent=False)

    @classmethod
    def pretrained(cls) -> Self:
        """Return it with the weights of the package, in evaluation mode.

        Raises:
            WeightsError: They are not installed, or not as expected.
        """
        made = cls()
        made.load_pretrained()
        return made.eval()

    def load_pretrained(self) -> None:
        """Read the weights of the package.

        Raises:
            WeightsError: They are not installed, or not as expected.
        """
        saved = torch.load(WEIGHTS.path(), map_location="cpu", weights_only=True)["model_state"]
        own = {name: saved[_saved_name(name)] for name in self.state_dict()}
        self.load_state_dict(own)

    def mel(self, samples: Tensor) -> Tensor:
        """Return mel powers, float (B, n // 160 + 1, 40), of samples (B, n) at 16 kHz, -1 to 1."""
        spectrum = torch.stft(
            samples, FFT, HOP, window=self.window, pad_mode="constant", return_complex=True
        )
        return spectrum.abs().square().transpose(1, 2) @ self.bank

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the network makes of parts.

        Args:
            mel: Mel powers, float (B, frames, 40).

        Returns:
            Embeddings (B, 256) of unit length, 0 to 1; and the outputs of the last two layers
            (B, frames, 512), -1 to 1.
        """
        outputs = [mel]
        for layer in self.lstm:
            outputs.append(layer(outputs[-1])[0])
        embedding = self.linear(outputs[-1][:, -1]).relu()
        return nn.functional.normalize(embedding, dim=1), torch.cat(outputs[-2:], 2)

    def describe(self, samples: Tensor) -> Tensor:
        """Return three vectors of each window in one, float (B, 1280).

        They are the embedding of the window (the mean of its parts', scaled to unit length; 256),
        and mean and deviation of the last two layers' outputs over all frames of all parts (512
        each).

        Args:
            samples: float (B, n) at 16 kHz, -1 to 1; of any length.
        """
        starts = part_starts(samples.shape[1])
        missing = (starts[-1] + PART) * HOP - samples.shape[1]
        mel = self.mel(nn.functional.pad(samples, (0, max(0, missing))))
        parts = torch.stack([mel[:, start : start + PART] for start in starts], 1)
        embeddings, outputs = self(parts.flatten(0, 1))
        mean = embeddings.unflatten(0, parts.shape[:2]).mean(1)
        frames = outputs.unflatten(0, parts.shape[:2]).flatten(1, 2)
        whole = nn.functional.normalize(mean, dim=1)
        return torch.cat([whole, frames.mean(1), frames.std(1, correction=0)], 1)


def _saved_name(name: str) -> str:
    """Return a parameter's name in the package's file, where the layers are one module."""
    if not name.startswith("lstm."):
        return name
    _, layer, kind = name.split(".")
    return f"lstm.{kind.removesuffix('_l0')}_l{layer}"


def raise_level(samples: Tensor) -> Tensor:
    """Return windows of which those quieter than -30 dBFS (RMS) are amplified to it.

    So the package does before it encodes; digital silence stays.

    Args:
        samples: float (B, n), -1 to 1.
    """
    level = samples.square().mean(1, keepdim=True).sqrt()
    wanted = 10 ** (LEVEL / 20)
    return samples * torch.where(level > 0, wanted / level, 1.0).clamp(min=1.0)


def part_starts(samples: int) -> list[int]:
    """Return the frame that each part of so many samples begins at.

    Parts overlap; the last one is left out where less than 75 % of it is covered, unless it is the
    only one.
    """
    frames = math.ceil((samples + 1) / HOP)
    starts = list(range(0, max(1, frames - PART + STEP + 1), STEP))
    covered = (samples - starts[-1] * HOP) / (PART * HOP)
    return starts[:-1] if covered < COVERED and len(starts) > 1 else starts
