"""Differentiable augmentation of what a critic sees, real and generated alike."""

import torch
from torch import Tensor


def diff_augment(x: Tensor) -> Tensor:
    """Return samples changed at random, each in its own way, with gradients.

    Zhao et al. 2020 (https://arxiv.org/abs/2006.10738): a critic that sees few real samples then
    cannot learn them by heart, and the generator does not learn the changes. Pictures of three
    channels: brightness, saturation and contrast, a shift of up to an eighth, and a square of half
    the side cut out. One channel, such as log-mel: the shift, in time and frequency. Vectors: as
    they are. Drawn from the device's global generator.

    Args:
        x: (B, values), or (B, channels, height, width) around 0.
    """
    if x.ndim != 4:
        return x
    if x.shape[1] != 3:
        return _shifted(x)
    return _cut_out(_shifted(_coloured(x)))


def _coloured(x: Tensor) -> Tensor:
    def drawn() -> Tensor:
        return torch.rand(len(x), 1, 1, 1, device=x.device, dtype=x.dtype)

    x = x + drawn() - 0.5
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * 2 * drawn()
    middle = x.mean((1, 2, 3), keepdim=True)
    return middle + (x - middle) * (drawn() + 0.5)


def _shifted(x: Tensor) -> Tensor:
    """Return pictures shifted by whole pixels, zeros where nothing was."""
    count, _, height, width = x.shape
    places, inside = [], []
    for size in (height, width):
        most = size // 8
        by = torch.randint(-most, most + 1, (count, 1), device=x.device)
        at = torch.arange(size, device=x.device) - by
        places.append(at.clamp(0, size - 1))
        inside.append((at >= 0) & (at < size))
    row = torch.arange(count, device=x.device)[:, None, None]
    moved = x[row, :, places[0][:, :, None], places[1][:, None, :]].permute(0, 3, 1, 2)
    return moved * (inside[0][:, None, :, None] & inside[1][:, None, None, :])


def _cut_out(x: Tensor) -> Tensor:
    """Return pictures without a rectangle of half their sides, centred anywhere."""
    count, _, height, width = x.shape
    covered = []
    for size in (height, width):
        centre = torch.randint(0, size, (count, 1), device=x.device)
        covered.append((torch.arange(size, device=x.device) - centre).abs() < size / 4)
    return x * ~(covered[0][:, None, :, None] & covered[1][:, None, None, :])
