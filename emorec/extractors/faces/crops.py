"""One face per window: the crop around it in the window's central frame."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from typing_extensions import override

from emorec.extractors.base import Extraction, Extractor
from emorec.extractors.faces.cut import FaceCutter
from emorec.extractors.faces.search import FaceSearch
from emorec.media import Face, Image, Media, square_crop
from emorec.networks.picture import IMAGENET_MEAN, IMAGENET_STD
from emorec.types import Array, Clip, Window


class FaceCrops(Extractor):
    """Face crops of the windows' key frames, uint8 (3, size, size), RGB, 0 to 255.

    The key frame is the one on screen at the window's middle (Ma et al. 2020). Faces are found and
    cut square. The paper's side length is lost; 224 is ImageNet's. A window without a
    face takes the crop of the nearest key frame in time that has one, up to ``borrow`` seconds
    away; otherwise its modality is absent, as it is where the video covers less than half of the
    window. Of several faces, one person's is followed through the clip.

    Args:
        size: Side of the crop, in pixels (224, 160, 112, 96, 94, ...).
        margin: Added to the longer side of the face's box, as a share of it.
        borrow: Largest distance in seconds to a key frame that lends its face.
        faces: How faces are found, and whose is used.
    """

    version: ClassVar[int] = 2
    dtype: ClassVar[type[np.generic]] = np.uint8
    pooled_axes: ClassVar[tuple[int, ...]] = (1, 2)

    def __init__(
        self,
        size: int = 224,
        margin: float = 0.2,
        borrow: float = 0.5,
        faces: FaceSearch | None = None,
    ) -> None:
        check_size(size)
        self.size, self.margin, self.borrow = size, margin, borrow
        self.faces = faces or FaceSearch()

    @override
    @property
    def shape(self) -> tuple[int, ...]:
        """(3, size, size)."""
        return (3, self.size, self.size)

    @override
    def constants(self) -> tuple[Array, Array] | None:
        """ImageNet's mean and deviation per channel, in units of 0 to 255."""
        return imagenet()

    @override
    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        return self._cutter().extract(media, windows)

    @override
    def stream(
        self, clip: Clip, media: Media, parts: Sequence[Sequence[Window]]
    ) -> Iterator[Extraction]:
        return self._cutter().stream(media, parts)

    def _cutter(self) -> FaceCutter:
        return FaceCutter(self.faces, self._cut, self.borrow, self.device, self.clips_at_once)

    def _cut(self, image: Image, face: Face) -> Array:
        return channels_first(image, face, self.size, self.margin)


def check_size(size: int) -> None:
    """Check the side of a crop.

    Raises:
        ValueError: It is too small to show a face.
    """
    if size < 32:
        raise ValueError(f"size is the side of a face crop in pixels, at least 32; got {size}")


def channels_first(image: Image, face: Face, size: int, margin: float) -> Array:
    """Return the square crop of a face, uint8 (3, size, size); see ``square_crop``."""
    return square_crop(image, face, size, margin).transpose(2, 0, 1)


def imagenet() -> tuple[Array, Array]:
    """Return ImageNet's mean and deviation per channel, float32 (3, 1, 1), in units of 0 to 255."""
    mean = np.array(IMAGENET_MEAN, np.float32).reshape(3, 1, 1) * 255
    std = np.array(IMAGENET_STD, np.float32).reshape(3, 1, 1) * 255
    return mean, std
