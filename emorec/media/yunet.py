"""Detection by YuNet, as OpenCV runs it."""

import threading
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from typing_extensions import override

from emorec.errors import UserError
from emorec.media.faces import Face, FaceDetector, Image, square_crop

ROOM = 2.0  # refine: side of the part that is searched, in units of the face's
SIDE = 160  # refine: pixels of that part
NEAR = 0.5  # refine: least overlap with where the face was
SAME = 0.3  # boxes that overlap more are one face
MOST = 100  # faces of a frame


class YuNetDetector(FaceDetector):
    """YuNet (Wu et al. 2023, https://doi.org/10.1007/s11633-023-1423-y), on a CPU.

    :meth:`refine` searches a part of the frame around where the face was.

    Args:
        weights: The file, ``face_detection_yunet_*.onnx``.
        height: Larger frames are scaled down to this height, in pixels.
        min_face: Smallest face to find, in pixels of the scaled frame.
        min_score: Faces below this probability are dropped, 0 to 1.

    Raises:
        UserError: The file is missing or not YuNet.
    """

    def __init__(
        self, weights: str, height: int = 360, min_face: int = 40, min_score: float = 0.6
    ) -> None:
        self.height, self.min_face, self.min_score = height, min_face, min_score
        self._running = threading.Lock()  # the network holds its size
        weights = str(Path(weights).expanduser())
        if not Path(weights).is_file():
            raise UserError(
                f"{weights} is not there: faces.weights names the file of YuNet, "
                "face_detection_yunet_*.onnx of OpenCV's model zoo"
            )
        try:
            self.net = cv2.FaceDetectorYN.create(weights, "", (SIDE, SIDE), min_score, SAME, MOST)
            self._faces_of(np.zeros((SIDE, SIDE, 3), np.uint8))
        except cv2.error as error:
            raise UserError(
                f"{weights} cannot be used as YuNet: {error}; give face_detection_yunet_*.onnx of "
                "OpenCV's model zoo, as it was downloaded"
            ) from error

    @override
    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        """Return the faces of each image, best score first."""
        return [self._detect(image) for image in images]

    def _detect(self, image: Image) -> list[Face]:
        height, width = image.shape[:2]
        scale = min(1.0, self.height / min(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        faces = self._faces_of(np.asarray(small, np.uint8))
        return [face.moved(1 / scale, 0, 0) for face in faces if face.side >= self.min_face]

    @override
    def refine(self, image: Image, face: Face) -> Face | None:
        side, left, top = face.square(ROOM)
        faces = self._faces_of(square_crop(image, face, SIDE, ROOM - 1))
        seen = [each.moved(side / SIDE, left, top) for each in faces]
        best = max(seen, key=face.overlap, default=None)
        return best if best is not None and best.overlap(face) >= NEAR else None

    def _faces_of(self, image: Image) -> list[Face]:
        with self._running:
            self.net.setInputSize(image.shape[1::-1])
            _, rows = self.net.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        found = [] if rows is None else np.asarray(rows, float).tolist()
        faces = [Face(x, y, x + wide, y + high, row[-1]) for x, y, wide, high, *row in found]
        return sorted(faces, key=lambda face: -face.score)
