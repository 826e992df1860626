"""A short clip of a face in grey, for three-dimensional convolutions."""

from typing import ClassVar, Literal

import cv2
import numpy as np
from typing_extensions import override

from emorec.extractors.faces.frames import FaceFrames
from emorec.extractors.faces.search import FaceSearch
from emorec.media import Face, Image, square_crop
from emorec.types import Array


class FaceClip(FaceFrames):
    """Grey, histogram-equalised face crops through each window, uint8 (frames, 1, size, size).

    The input of the image networks of Kim et al. 2017 (public code: the first 40 face pictures of a
    clip, grey, ``equalizeHist``, 224 x 224 or 112 x 112, 0 to 1, black frames after the end of a
    shorter clip). That these are the first 1.6 seconds follows from AFEW's 25 frames per second; a
    ``rate`` of null spreads the frames over the window instead.

    Args:
        frames: Frames per window.
        size: Side of the crops, in pixels.
        rate: Frames per second, from the window's start on; None: they spread over the window.
        pad: What stands for frames after the end of the clip: ``black`` ones (the public code), or
            the last one again.
        margin: Added to the longer side of the face's box, as a share of it.
        borrow: Largest distance in seconds to a frame that lends its face.
        faces: How faces are found, and whose is used.
    """

    version: ClassVar[int] = 1
    dtype: ClassVar[type[np.generic]] = np.uint8

    def __init__(
        self,
        frames: int = 40,
        size: int = 112,
        rate: float | None = 25.0,
        pad: Literal["repeat", "black"] = "black",
        margin: float = 0.2,
        borrow: float = 0.5,
        faces: FaceSearch | None = None,
    ) -> None:
        super().__init__(frames, size, margin, borrow, faces, rate, pad)

    @override
    @property
    def shape(self) -> tuple[int, ...]:
        """(frames, 1, size, size)."""
        return (self.frames, 1, self.size, self.size)

    @override
    def constants(self) -> tuple[Array, Array] | None:
        """0 and 255: standardised pixels are 0 to 1, as in the public code."""
        return np.zeros((1, 1, 1, 1), np.float32), np.full((1, 1, 1, 1), 255, np.float32)

    @override
    def cut(self, image: Image, face: Face) -> Array:
        crop = square_crop(image, face, self.size, self.margin)
        return np.asarray(cv2.equalizeHist(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)))[None]
