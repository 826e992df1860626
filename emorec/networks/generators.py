"""Networks that make samples of a modality from noise and a class, and those that judge them."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from emorec.errors import UserError

NARROWEST = 32  # channels of the last maps, at width 1


class Generator(nn.Module):
    r"""Maps noise z (B, noise) and a class c, int64 (B,), to samples (B, \*shape).

    Vectors: two layers of 512 units with batch norm and ReLU, then a linear layer; any range.
    Pictures (channels, height, width): a layer to 4 x 4 maps (6 x 6 where that fits the size
    better), blocks of upsampling by 2, convolution, conditional batch norm (its scale and shift
    from the class) and ReLU, a convolution and tanh, cropped to the middle; -1 to 1. After DCGAN
    (Radford et al. 2016, https://arxiv.org/abs/1511.06434); sizes are ours, as Ma et al. 2022
    (Applied Sciences 12(1):527) could not be read beyond its abstract.

    Args:
        shape: (values,), or (channels, height, width).
        classes: Number of classes.
        noise: Dimension of z.
        width: Factor of units and channels.

    Attributes:
        hidden_dim: Dimension of :meth:`hidden` after the mean over positions.

    Raises:
        UserError: The shape is neither.
    """

    def __init__(
        self, shape: Sequence[int], classes: int, noise: int = 100, width: float = 1.0
    ) -> None:
        super().__init__()
        self.shape, self.noise = tuple(shape), noise
        self.embed = nn.Embedding(classes, 64)
        if len(self.shape) == 1:
            units = max(1, round(512 * width))
            self.first: nn.Module = nn.Linear(noise + 64, units)
            self.blocks = nn.ModuleList([_Units(units, units, classes) for _ in range(2)])
            self.last: nn.Module = nn.Linear(units, self.shape[0])
            self.start, self.hidden_dim = 0, units
            return
        if len(self.shape) != 3:
            raise UserError(
                f"a generator makes (values,) or (channels, height, width), not {self.shape}"
            )
        self.start, count = _doublings(max(self.shape[1:]))
        sizes = [max(NARROWEST, 256 >> i) for i in range(count + 1)]
        sizes = [max(1, round(width * each)) for each in sizes]
        self.first = nn.Linear(noise + 64, sizes[0] * self.start**2)
        self.blocks = nn.ModuleList(
            _Block(before, after, classes) for before, after in pairwise(sizes)
        )
        self.last = nn.Conv2d(sizes[-1], self.shape[0], 3, padding=1)
        self.hidden_dim = sizes[-1]

    def hidden(self, z: Tensor, label: Tensor) -> Tensor:
        """Return what the last layer reads: (B, units), or maps (B, channels, h, w)."""
        x: Tensor = self.first(torch.cat([z, self.embed(label)], 1))
        if self.start:
            x = x.view(len(x), -1, self.start, self.start)
        for block in self.blocks:
            x = block(x, label)
        return x

    def shown(self, hidden: Tensor) -> Tensor:
        r"""Return samples (B, \*shape) of what :meth:`hidden` returned."""
        x: Tensor = self.last(hidden)
        if not self.start:
            return x
        top, left = (
            (have - want) // 2 for have, want in zip(x.shape[2:], self.shape[1:], strict=True)
        )
        return x[:, :, top : top + self.shape[1], left : left + self.shape[2]].tanh()

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        r"""Return samples (B, \*shape)."""
        return self.shown(self.hidden(z, label))


class Critic(nn.Module):
    """Scores samples, real against generated: D(x, c) = w' h(x) + e_c' h(x) + b.

    The projection of Miyato and Koyama 2018 (https://arxiv.org/abs/1802.05637), with spectral norm
    in every layer. Vectors: two layers of 512 units; pictures: convolutions 4 x 4 of stride 2, the
    generator's mirrored, and the sum over positions. h has 128 features.

    Args:
        shape: (values,), or (channels, height, width).
        classes: Number of classes.
        width: Factor of units and channels.
        features: Dimension of h.
    """

    def __init__(
        self, shape: Sequence[int], classes: int, width: float = 1.0, features: int = 128
    ) -> None:
        super().__init__()
        self.features = features
        if len(shape) == 1:
            units = max(1, round(512 * width))
            sizes = [shape[0], units, units]
            layers: list[nn.Module] = [nn.Linear(a, b) for a, b in pairwise(sizes)]
            pool: list[nn.Module] = []
        else:
            _, count = _doublings(max(shape[1:]))
            units = max(1, round(width * 256))
            reverse = [max(1, round(width * max(NARROWEST, 256 >> i))) for i in range(count)]
            sizes = [shape[0], *reversed(reverse)]
            layers = [nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise(sizes)]
            pool = [_SumOverPositions()]
        steps: list[nn.Module] = []
        for layer in layers:
            steps += [spectral_norm(layer), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*steps, *pool, spectral_norm(nn.Linear(units, features)))
        self.whole = spectral_norm(nn.Linear(features, 1))
        self.of_class = spectral_norm(nn.Embedding(classes, features))

    def forward(self, x: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        r"""Return the scores (B,) and features h (B, features) of samples (B, \*shape)."""
        h: Tensor = self.body(x)
        active = nn.functional.leaky_relu(h, 0.2)
        return self.whole(active).squeeze(1) + (self.of_class(label) * active).sum(1), h


class _Norm(nn.Module):
    """Batch norm whose scale and shift are the class's."""

    def __init__(self, channels: int, classes: int, pictures: bool) -> None:
        super().__init__()
        self.norm = (nn.BatchNorm2d if pictures else nn.BatchNorm1d)(channels, affine=False)
        self.scale = nn.Embedding(classes, channels)
        self.shift = nn.Embedding(classes, channels)
        nn.init.ones_(self.scale.weight)
        nn.init.zeros_(self.shift.weight)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        shape = (*x.shape[:2], *[1] * (x.ndim - 2))
        normed: Tensor = self.norm(x)
        changed: Tensor = normed * self.scale(label).view(shape) + self.shift(label).view(shape)
        return changed


class _Units(nn.Module):
    """A fully connected layer, conditional batch norm, ReLU."""

    def __init__(self, before: int, after: int, classes: int) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(before, after), _Norm(after, classes, pictures=False)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        made: Tensor = self.norm(self.layer(x), label)
        return made.relu()


class _Block(nn.Module):
    """Nearest upsampling by 2, a 3 x 3 convolution, conditional batch norm, ReLU."""

    def __init__(self, before: int, after: int, classes: int) -> None:
        super().__init__()
        self.up = nn.Upsample(scale_factor=2.0)
        self.layer = nn.Conv2d(before, after, 3, padding=1)
        self.norm = _Norm(after, classes, pictures=True)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        made: Tensor = self.norm(self.layer(self.up(x)), label)
        return made.relu()


class _SumOverPositions(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum((2, 3))


def _doublings(size: int) -> tuple[int, int]:
    """Return the side of the first maps, 4 or 6, and how often it doubles to reach a size.

    Raises:
        UserError: The size is below 8.
    """
    if size < 8:
        raise UserError(f"generated pictures have at least 8 pixels a side, got {size}")
    found = {start: math.ceil(math.log2(size / start)) for start in (4, 6)}
    start = min(found, key=lambda each: (each << found[each], each))
    return start, found[start]
