"""A small convolutional network on log-mels, for training from scratch."""

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.encoders.base import Encoder
from emorec.errors import UserError

RANGES = 4  # of bands that are kept apart


class SpectrogramEncoder(Encoder):
    """Blocks of 3 x 3 convolution, batch norm, ReLU and 2 x 2 max pooling; then time is pooled.

    The plain network that speech emotion recognition is usually compared with. After the last block
    four ranges of bands are kept apart (of 64 bands, four blocks leave four), and mean and maximum
    over time are taken of each; a fully connected layer of ``dim`` units follows. Any number of
    bands and frames fits that survives the pooling.

    Args:
        channels: Of each block; None: 16, 32, 64 and 128.
        dim: Feature dimension.
        dropout: Before the last layer, 0 to below 1.

    Raises:
        UserError: There is no block, or a size is below 1.
    """

    def __init__(
        self, channels: list[int] | None = None, dim: int = 128, dropout: float = 0.0
    ) -> None:
        super().__init__()
        widths = [16, 32, 64, 128] if channels is None else channels
        if not widths or min(*widths, dim) < 1:
            raise UserError(f"channels and dim must be at least 1, got {widths}, {dim}")
        blocks: list[nn.Module] = []
        before = 1
        for width in widths:
            blocks += [
                nn.Conv2d(before, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
            before = width
        self.least = 2 ** len(widths)
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * RANGES * before, dim))
        self.dim = dim

    @override
    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, dim) of standardised log-mels (B, 1, bands, frames).

        Raises:
            UserError: They are not log-mels, or too small for the pooling.
        """
        if x.ndim != 4 or x.shape[1] != 1 or min(x.shape[2:]) < self.least:
            raise UserError(
                f"SpectrogramEncoder needs log-mels (1, bands, frames) of at least {self.least} "
                f"bands and frames; the data has {' x '.join(map(str, x.shape[1:]))} per window"
            )
        maps = self.blocks(x)
        ranges = nn.functional.adaptive_avg_pool2d(maps, (RANGES, maps.shape[3])).flatten(1, 2)
        features: Tensor = self.last(torch.cat([ranges.mean(2), ranges.amax(2)], 1))
        return features
