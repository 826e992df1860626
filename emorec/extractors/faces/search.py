"""How faces are found, and whose face is used."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from emorec.media import (
    BatchedDetector,
    Face,
    FaceDetector,
    Image,
    MTCNNDetector,
    Person,
    follow_face,
    track_face,
)
from emorec.media.batched import FRAMES

_LOADING = threading.Lock()


@dataclass(frozen=True)
class FaceSearch:
    """How faces are found in the frames of a clip, by MTCNN, and whose face is used.

    Extractors with equal options share the faces of a clip: give the same options to those that
    look at the same frames.

    Attributes:
        height: Frames are scaled down to this height, in pixels, for the search.
        min_face: Smallest face, in pixels at that height.
        min_score: Smallest probability of a face, 0 to 1.
        mode: ``tracked`` detects faces in one to three frames and follows one from frame to frame;
            ``every_frame`` detects in each frame, which takes several times longer.
        person: Whose face: ``largest`` of the clip, most ``central`` in the picture, or most
            ``constant``: present in most frames.
    """

    height: int = 360
    min_face: int = 40
    min_score: float = 0.9
    mode: Literal["tracked", "every_frame"] = "tracked"
    person: Person = "largest"

    def detector(self, device: str, clips_at_once: int) -> FaceDetector:
        """Return this process's detector, made on first use.

        Args:
            device: Where its networks run.
            clips_at_once: Clips processed at once, each in a thread; all share the detector.
        """
        with _LOADING:
            return _made(self.height, self.min_face, self.min_score, device, clips_at_once > 1)

    def follow(self, images: Sequence[Image], detector: FaceDetector) -> list[Face | None]:
        """Return one person's face in each frame, or None.

        Args:
            images: uint8 (height, width, 3), RGB, all of one size, in order of time.
            detector: Finds and refines faces.
        """
        if self.mode == "tracked" or not images:
            return track_face(images, detector, self.person)
        height, width = images[0].shape[:2]
        return follow_face(detector.detect(images), (width, height), self.person)


@lru_cache(4)
def _made(
    height: int, min_face: int, min_score: float, device: str, together: bool
) -> FaceDetector:
    one = MTCNNDetector(height, min_face, min_score, FRAMES if together else 8, device)
    return BatchedDetector(one) if together else one
