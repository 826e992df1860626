"""Several frames of a face in each window, for encoders of movement."""

from typing import ClassVar

import numpy as np
from typing_extensions import override

from emorec.extractors.faces.crops import channels_first, imagenet
from emorec.extractors.faces.frames import FaceFrames
from emorec.extractors.faces.search import FaceSearch
from emorec.media import Face, Image
from emorec.types import Array


class FaceSequence(FaceFrames):
    """Face crops at equal distances through each window, uint8 (frames, 3, size, size), RGB.

    Each frame is cut as :class:`FaceCrops` cuts the key frame of a window. A frame without a face
    repeats the nearest one of its window; if fewer than half of the frames have one (of those
    within the clip, where it is shorter than a window), the modality is absent.

    Args:
        frames: Frames per window.
        size: Side of the crops, in pixels.
        margin: Added to the longer side of the face's box, as a share of it.
        borrow: Largest distance in seconds to a frame that lends its face.
        faces: How faces are found, and whose is used.
    """

    version: ClassVar[int] = 3
    dtype: ClassVar[type[np.generic]] = np.uint8
    pooled_axes: ClassVar[tuple[int, ...]] = (1, 2)

    def __init__(
        self,
        frames: int = 8,
        size: int = 112,
        margin: float = 0.2,
        borrow: float = 0.5,
        faces: FaceSearch | None = None,
    ) -> None:
        super().__init__(frames, size, margin, borrow, faces)

    @override
    @property
    def shape(self) -> tuple[int, ...]:
        """(frames, 3, size, size)."""
        return (self.frames, 3, self.size, self.size)

    @override
    def constants(self) -> tuple[Array, Array] | None:
        """ImageNet's mean and deviation per channel, in units of 0 to 255."""
        return imagenet()

    @override
    def cut(self, image: Image, face: Face) -> Array:
        return channels_first(image, face, self.size, self.margin)
