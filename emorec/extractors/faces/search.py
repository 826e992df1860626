"""How faces are found, and whose face is used."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from emorec.errors import UserError
from emorec.media import (
    BatchedDetector,
    BlazeFaceDetector,
    Face,
    FaceDetector,
    Image,
    MTCNNDetector,
    Person,
    WholePicture,
    YuNetDetector,
    follow_face,
    track_face,
)
from emorec.media.batched import FRAMES

SURE = {"mtcnn": 0.9, "blazeface": 0.6, "yunet": 0.6}  # least score, where none is given
_LOADING = threading.Lock()


@dataclass(frozen=True)
class FaceSearch:
    """How faces are found in the frames of a clip, and whose face is used.

    Extractors with equal options share the faces of a clip: give the same options to those that
    look at the same frames.

    Attributes:
        height: Frames are scaled down to this height, in pixels, for the search by ``mtcnn`` and
            ``yunet``.
        min_face: Smallest face, in pixels at that height.
        min_score: Smallest probability of a face, 0 to 1; None: 0.9 for ``mtcnn``, 0.6 for the
            others. MTCNN's after ``blazeface`` is always 0.9.
        mode: ``tracked`` detects faces in one to three frames and follows one from frame to frame;
            ``every_frame`` detects in each frame, which takes several times longer.
        person: Whose face: ``largest`` of the clip, most ``central`` in the picture, or most
            ``constant``: present in most frames.
        method: ``mtcnn``, the paper's; ``blazeface`` (MediaPipe's), which takes half of the time
            where every frame is searched on a CPU, leaves frames in which it finds no face to
            MTCNN, and whose weights are in a package (the error without it says which);
            ``yunet`` (OpenCV's), which runs on the CPU as ``blazeface`` does, whatever the device;
            or ``whole``, for pictures that were cut to faces before: each is a face as a whole (set
            the extractor's ``margin`` to 0 with it).
        weights: For ``yunet``: its file, ``face_detection_yunet_*.onnx``.

    Raises:
        UserError: ``yunet`` without a file, or a file without ``yunet``.
    """

    height: int = 360
    min_face: int = 40
    min_score: float | None = None
    mode: Literal["tracked", "every_frame"] = "tracked"
    person: Person = "largest"
    method: Literal["mtcnn", "blazeface", "yunet", "whole"] = "mtcnn"
    weights: str | None = None

    def __post_init__(self) -> None:
        if (self.method == "yunet") != (self.weights is not None):
            raise UserError(
                f"faces.method is {self.method} and faces.weights {self.weights}: yunet needs the "
                "file of its weights, and the others take none"
            )

    def detector(self, device: str, clips_at_once: int) -> FaceDetector:
        """Return this process's detector, made on first use.

        Args:
            device: Where its networks run.
            clips_at_once: Clips processed at once, each in a thread; all share the detector.
        """
        with _LOADING:
            # Whose face is used does not change the detector.
            plain = replace(self, mode="tracked", person="largest")
            return _made(plain, device, clips_at_once > 1)

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
def _made(search: FaceSearch, device: str, together: bool) -> FaceDetector:
    one = _one(search, device, FRAMES if together else 8)
    return BatchedDetector(one) if together else one


def _one(search: FaceSearch, device: str, batch: int) -> FaceDetector:
    if search.method == "whole":
        return WholePicture()
    height, least = search.height, search.min_face
    score = SURE[search.method] if search.min_score is None else search.min_score
    if search.method == "yunet":
        return YuNetDetector(str(search.weights), height, least, score)
    if search.method == "mtcnn":
        return MTCNNDetector(height, least, score, batch, device)
    mtcnn = MTCNNDetector(height, least, SURE["mtcnn"], batch, device)
    return BlazeFaceDetector(height, least, score, otherwise=mtcnn)
