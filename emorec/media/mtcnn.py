"""Detection by MTCNN, in whole frames and around a known face."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import override

from emorec.media.faces import Face, FaceDetector, Image, square_crop

# refine: shifts of the box as a share of its side; least mean score; least overlap with it.
SHIFTS = np.array([(0, 0), (1, 1), (-1, -1)]) * 0.05
SURE = 0.95
NEAR = 0.5
ONET = 48  # pixels
_PRECISION = threading.Lock()


class MTCNNDetector(FaceDetector):
    """MTCNN as facenet-pytorch ships it (Zhang et al. 2016, https://arxiv.org/abs/1604.02878).

    Frames are scaled to ``height`` first: on real 720p clips this missed no face and was about
    six times faster than full resolution.

    :meth:`refine` runs only the last of its three networks: the mean box of three inputs, shifted
    by up to 5 % of the face. On real clips that agrees with full-resolution detection as well as
    detection at 360 lines does (``make bench`` prints both for generated clips).

    Args:
        height: Larger frames are scaled down to this height, in pixels.
        min_face: Smallest face to find, in pixels of the scaled frame.
        min_score: Faces below this probability are dropped, 0 to 1.
        batch: Frames per forward pass.
        device: Where the networks run.
    """

    def __init__(
        self,
        height: int = 360,
        min_face: int = 40,
        min_score: float = 0.9,
        batch: int = 8,
        device: str = "cpu",
    ) -> None:
        from facenet_pytorch import MTCNN

        self.height, self.min_score, self.batch = height, min_score, batch
        self.device = device
        self.net = MTCNN(min_face_size=min_face, keep_all=True, device=device)
        self.net.to(memory_format=torch.channels_last)

    @override
    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        """Return the faces of each image, best score first."""
        found: list[list[Face]] = []
        for start in range(0, len(images), self.batch):
            found += self._detect_batch(images[start : start + self.batch])
        return found

    def _detect_batch(self, images: Sequence[Image]) -> list[list[Face]]:
        height, width = images[0].shape[:2]
        scale = min(1.0, self.height / min(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = np.stack([cv2.resize(i, size, interpolation=cv2.INTER_AREA) for i in images])
        try:
            with _full_precision(self.device):
                boxes, scores = self.net.detect(small)
        except (RuntimeError, ValueError) as error:  # which of them depends on torch
            # facenet-pytorch concatenates an empty list if all candidates of a batch are
            # degenerate; then frames are searched one by one, and such a frame has no face.
            if "expected a non-empty list" not in str(error):
                raise
            if len(images) == 1:
                return [[]]
            return [face for image in images for face in self._detect_batch([image])]
        return [
            self._faces(b, s, scale) if b is not None else []
            for b, s in zip(boxes, scores, strict=True)
        ]

    def _faces(
        self, boxes: NDArray[np.float32], scores: Sequence[float], scale: float
    ) -> list[Face]:
        faces = []
        for box, score in zip(boxes, scores, strict=True):
            left, top, right, bottom = (float(value) / scale for value in box)
            if score >= self.min_score and right > left and bottom > top:
                faces.append(Face(left, top, right, bottom, float(score)))
        return sorted(faces, key=lambda face: -face.score)

    @override
    def refine(self, image: Image, face: Face) -> Face | None:
        side, *corner = face.square()
        corners = np.array(corner) + SHIFTS * side
        # One crop and one scaling for all inputs: a box's side becomes ONET pixels.
        reach = float(np.abs(SHIFTS).max())
        room = round(ONET * (1 + 2 * reach))
        patch = square_crop(image, face, room, 2 * reach)
        at = np.rint((SHIFTS + reach) * ONET).astype(int)
        crops = np.stack([patch[y : y + ONET, x : x + ONET] for x, y in at])
        inputs = torch.from_numpy(crops).to(self.device).permute(0, 3, 1, 2).float()
        with torch.inference_mode(), _full_precision(self.device):
            change, _, probability = (x.cpu() for x in self.net.onet((inputs - 127.5) / 128))
        left, top = (corners + change[:, :2].numpy() * side).mean(0).tolist()
        right, bottom = (corners + side + change[:, 2:].numpy() * side).mean(0).tolist()
        new = Face(left, top, right, bottom, float(probability[:, 1].mean()))
        return new if new.score >= SURE and new.overlap(face) >= NEAR else None


@contextmanager
def _full_precision(device: str) -> Iterator[None]:
    """Run convolutions on a GPU in full float32, which by default they round to TF32.

    Otherwise boxes differ from the CPU's by a pixel, and borderline faces are found on only one of
    them. The setting holds for the whole process, so one thread at a time changes it.
    """
    if device == "cpu":
        yield
        return
    convolutions = torch.backends.cudnn.conv  # type: ignore[attr-defined]
    with _PRECISION:
        before = convolutions.fp32_precision
        convolutions.fp32_precision = "ieee"
        try:
            yield
        finally:
            convolutions.fp32_precision = before
