"""The two image networks of Kim et al. 2017: three-dimensional convolutions on a clip of a face."""

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool1d
from typing_extensions import override

from emorec.encoders.base import Encoder
from emorec.errors import UserError
from emorec.networks.volume import channels, convolution, normed


class C3DA(Encoder):
    """A 3-D CNN with two further heads in its depth (public code of Kim et al. 2017, ``c3da.py``).

    Three stages of 3 x 3 x 3 convolutions, each ended by a stride of 2: with the default sizes of
    40 x 224 x 224 the stages end at 5 x 28 x 28, 3 x 14 x 14 and 2 x 7 x 7. The features are global
    maxima, of 1024 channels at the end and, as sides ``first`` and ``second``, of 256 and 512 on
    the first two stages. The three heads are losses: ``CrossEntropy`` on the fused features and
    ``AuxiliaryCrossEntropy`` with ``feature: face-first`` and ``face-second``, of equal weight. The
    file has 648 filters in its second convolution, evidently 64.

    Args:
        width: Factor of all channels; 1 is the published size.
        mask: Leave black frames, which stand for the time after the end of a clip, out of the
            maxima; the public code has no mask.
    """

    def __init__(self, width: float = 1.0, mask: bool = False) -> None:
        super().__init__()
        a, b, c, d, e = channels(width, 64, 128, 256, 512, 1024)
        self.mask = mask
        self.first = nn.Sequential(
            *normed(1, a, 2), convolution(a, a, 2), *normed(a, b), convolution(b, b, 2)
        )
        self.first_head = nn.Sequential(*normed(b, c))
        self.second = nn.Sequential(*normed(b, c), *normed(c, d), convolution(d, d, 2))
        self.second_head = nn.Sequential(*normed(d, d))
        self.third = nn.Sequential(*normed(d, d), *normed(d, d), convolution(d, d, 2))
        self.last = nn.Sequential(*normed(d, e), *normed(e, e))
        self.dim = e
        self.sides: Mapping[str, int] = MappingProxyType({"first": c, "second": d})

    @override
    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, dim + sides) of grey clips (B, frames, 1, height, width), 0 to 1.

        Raises:
            UserError: The input has another shape.
        """
        shown = shown_frames(x) if self.mask else None
        first = self.first(_channels_first(x))
        second = self.second(first)
        third = self.third(second)
        maps = self.last(third), self.first_head(first), self.second_head(second)
        return torch.cat([_maximum(each, shown) for each in maps], 1)


class S3DAE(Encoder):
    """A 3-D auto-encoder's encoder and its classifier branch (public code, ``s3dae.py``).

    The features are the global maxima of the classifier branch, 256 channels. The side ``map`` is
    what the decoder begins with (128 x 5 x 14 x 14 for 40 frames of 112 x 112): give it to
    :class:`~emorec.objectives.ClipReconstruction`, which unlabelled clips take part in.

    Args:
        frames: Of the input, a multiple of 8.
        size: Side of the input in pixels, a multiple of 8.
        width: Factor of all channels; 1 is the published size.
        mask: As in :class:`C3DA`.

    Raises:
        UserError: ``frames`` or ``size`` is not a multiple of 8.
    """

    def __init__(
        self, frames: int = 40, size: int = 112, width: float = 1.0, mask: bool = False
    ) -> None:
        super().__init__()
        if frames % 8 or size % 8 or min(frames, size) < 8:
            raise UserError(
                f"S3DAE halves its input three times: frames and size must be multiples of 8, "
                f"got {frames} and {size}"
            )
        a, b, c, d = channels(width, 32, 64, 128, 256)
        self.shape, self.mask = (frames, 1, size, size), mask
        self.encoder = nn.Sequential(
            *normed(1, a),
            convolution(a, a, 2),
            *normed(a, b),
            convolution(b, b, 2),
            *normed(b, c),
            *normed(c, c),
            convolution(c, c, 2),
        )
        self.classifier = nn.Sequential(
            *normed(c, d, (2, 1, 1)), *normed(d, d), convolution(d, d, 2)
        )
        self.dim = d
        self.sides: Mapping[str, int] = MappingProxyType(
            {"map": c * (frames // 8) * (size // 8) ** 2}
        )

    @override
    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, dim + sides) of grey clips (B, frames, 1, size, size), 0 to 1.

        Raises:
            UserError: The input has another shape.
        """
        if tuple(x.shape[1:]) != self.shape:
            raise UserError(
                f"S3DAE is made for {self.shape} and got {tuple(x.shape[1:])}: set its frames and "
                "size to those of FaceClip"
            )
        code = self.encoder(_channels_first(x))
        shown = shown_frames(x) if self.mask else None
        return torch.cat([_maximum(self.classifier(code), shown), code.flatten(1)], 1)


def shown_frames(x: Tensor) -> Tensor:
    """Return float (B, frames): 1 where a frame is not black; clips without any count as shown."""
    shown = x.flatten(2).ne(0).any(2)
    return torch.where(shown.any(1, keepdim=True), shown, True).float()


def _channels_first(x: Tensor) -> Tensor:
    """Return (B, 1, frames, height, width)."""
    if x.ndim != 5 or x.shape[2] != 1:
        raise UserError(
            "a 3-D convolution on clips of a face needs (frames, 1, height, width), such as "
            f"FaceClip extracts, and got {tuple(x.shape[1:])}"
        )
    return x.transpose(1, 2)


def _maximum(maps: Tensor, shown: Tensor | None) -> Tensor:
    """Return the global maxima (B, C) of maps (B, C, T, H, W), of times that show something."""
    peaks: Tensor = maps.amax((3, 4))
    if shown is not None:
        while shown.shape[1] > peaks.shape[2]:  # as each stride of 2 does
            shown = max_pool1d(shown, 2, ceil_mode=True)
        peaks = peaks.masked_fill(shown[:, None] == 0, -torch.inf)
    return peaks.amax(2)
