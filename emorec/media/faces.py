"""Faces in frames: boxes, the detector interface, and the crop."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

Image = NDArray[np.uint8]


class Face(NamedTuple):
    """A face's box in pixels of its frame (x to the right, y down), and its score in [0, 1]."""

    left: float
    top: float
    right: float
    bottom: float
    score: float

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return (self.right - self.left) * (self.bottom - self.top)

    @property
    def side(self) -> float:
        """The longer side of the box, in pixels."""
        return max(self.right - self.left, self.bottom - self.top)

    def square(self, room: float = 1.0) -> tuple[float, float, float]:
        """Return the square around the middle of the box: its side, left and upper edge, in pixels.

        Args:
            room: Its side, in units of the box's longer side.
        """
        side = self.side * room
        return side, (self.left + self.right - side) / 2, (self.top + self.bottom - side) / 2

    def moved(self, scale: float, left: float, top: float) -> "Face":
        """Return the face of a part of an image in pixels of the image.

        Args:
            scale: Pixels of the image per pixel of the part.
            left: Left edge of the part, in pixels of the image.
            top: Its upper edge.
        """
        x = [value * scale + left for value in (self.left, self.right)]
        y = [value * scale + top for value in (self.top, self.bottom)]
        return Face(x[0], y[0], x[1], y[1], self.score)

    def overlap(self, other: "Face") -> float:
        """Return the intersection over union of two boxes, 0 to 1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        shared = max(width, 0.0) * max(height, 0.0)
        return shared / (self.area + other.area - shared)


class FaceDetector(ABC):
    """Finds faces in frames of one video."""

    @abstractmethod
    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        """Return the faces of each image.

        Args:
            images: uint8 (height, width, 3), RGB, all of one size.
        """

    @abstractmethod
    def refine(self, image: Image, face: Face) -> Face | None:
        """Return where a face is now, looking only around where it was a moment ago.

        Args:
            image: uint8 (height, width, 3), RGB.
            face: Its box in an earlier or later frame.

        Returns:
            The new box; None if the face is not found with confidence.
        """


class WholePicture(FaceDetector):
    """Takes the whole of each picture for a face: for pictures that were cut to faces before."""

    @override
    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        return [[self._whole(image)] for image in images]

    @override
    def refine(self, image: Image, face: Face) -> Face:
        return self._whole(image)

    @staticmethod
    def _whole(image: Image) -> Face:
        height, width = image.shape[:2]
        return Face(0.0, 0.0, float(width), float(height), 1.0)


def square_crop(image: Image, face: Face, size: int, margin: float) -> Image:
    """Cut a square around a face and scale it.

    Args:
        image: uint8 (height, width, 3).
        face: Box in pixels of the image.
        size: Side of the result, in pixels.
        margin: Added to the longer side of the box, as a share of it (0.2 = 20 % in all).

    Returns:
        uint8 (size, size, 3). What lies outside of the image repeats its border.
    """
    side = max(2, round(face.side * (1 + margin)))
    left = round((face.left + face.right - side) / 2)
    top = round((face.top + face.bottom - side) / 2)
    height, width = image.shape[:2]
    # A box that lies outside altogether shows the nearest line or column.
    left, top = min(max(left, 1 - side), width - 1), min(max(top, 1 - side), height - 1)
    crop = image[max(0, top) : top + side, max(0, left) : left + side]
    above, before = max(0, -top), max(0, -left)
    below, behind = side - above - crop.shape[0], side - before - crop.shape[1]
    if above or before or below or behind:
        edge = cv2.BORDER_REPLICATE
        crop = np.asarray(cv2.copyMakeBorder(crop, above, below, before, behind, edge), np.uint8)
    how = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (size, size), interpolation=how), np.uint8)
