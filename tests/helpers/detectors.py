"""Detectors that see what a test says."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from emorec.extractors import FaceSearch
from emorec.media import Face, FaceDetector
from emorec.types import Array
from tests.helpers.media_files import (
    Image,
    read_bars,
)

WHOLE = Face(0, 0, 160, 120, 1.0)


class Stub(FaceDetector):
    """Sees the whole frame as a face where the frame's number is one of some."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = numbers
        self.seen: list[int] = []

    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        self.seen += [read_bars(image) for image in images]
        return [[WHOLE] if read_bars(image) in self.numbers else [] for image in images]

    def refine(self, image: Image, face: Face) -> Face | None:
        return None


@dataclass(frozen=True)
class Searched(FaceSearch):
    """Finds faces with a detector of a test."""

    found_by: FaceDetector = field(default_factory=lambda: Stub([]))

    def detector(self, device: str, clips_at_once: int) -> FaceDetector:
        return self.found_by


def number(crop: Array | None) -> int | None:
    """Return the number of the frame that a crop was cut from; None where there is no crop."""
    return None if crop is None else read_bars(np.asarray(crop.transpose(1, 2, 0), np.uint8))


Frames = Sequence[Sequence[Face]]


def face_at(x: float, y: float = 50.0, side: float = 40.0) -> Face:
    """Return a square box around a point."""
    half = side / 2
    return Face(x - half, y - half, x + half, y + half, 0.99)


class Script(FaceDetector):
    """Sees given faces; an image is one pixel that holds the number of its frame."""

    def __init__(self, frames: Frames) -> None:
        self.frames = frames
        self.detected: list[int] = []

    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        numbers = [int(image[0, 0, 0]) for image in images]
        self.detected += numbers
        return [list(self.frames[i]) for i in numbers]

    def refine(self, image: Image, face: Face) -> Face | None:
        near = [f for f in self.frames[int(image[0, 0, 0])] if f.overlap(face) >= 0.5]
        return max(near, key=face.overlap, default=None)
