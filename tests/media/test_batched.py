"""Detection for several clips at once: the same faces, in fewer batches, and errors for all."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from emorec.media import BatchedDetector, Face, FaceDetector, Image, MTCNNDetector
from tests.helpers.media_files import portrait


class Counting(FaceDetector):
    """Finds one face in each image, as wide as the image is bright, and counts its calls."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.at_work = 0

    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        self.at_work += 1
        assert self.at_work == 1  # one thread at a time
        assert len({image.shape for image in images}) == 1
        time.sleep(0.2)  # long enough for the others to ask, also on a busy machine
        self.batches.append(len(images))
        self.at_work -= 1
        if any(image.max() == 255 for image in images):
            raise RuntimeError("too bright")
        return [[Face(0, 0, float(image.max()), 1, 1.0)] for image in images]

    def refine(self, image: Image, face: Face) -> Face | None:
        return face


def grey(level: int, height: int = 8) -> Image:
    return np.full((height, 8, 3), level, np.uint8)


def test_each_thread_gets_the_faces_of_its_own_images() -> None:
    inner = Counting()
    detector = BatchedDetector(inner)
    gate = threading.Barrier(6)

    def ask(number: int) -> list[list[Face]]:
        gate.wait()
        size = 8 if number % 2 else 16
        return detector.detect([grey(10 * number + i, size) for i in range(3)])

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(ask, range(6)))
    for number, found in enumerate(answers):
        assert [faces[0].right for faces in found] == [10 * number + i for i in range(3)]
    assert sum(inner.batches) == 18
    assert len(inner.batches) < 6  # frames of several clips went together


def test_a_single_request_and_none_are_answered() -> None:
    detector = BatchedDetector(Counting())
    assert detector.detect([grey(7)])[0][0].right == 7
    face = Face(0, 0, 1, 1, 1.0)
    assert detector.refine(grey(7), face) == face


def test_an_error_reaches_those_who_wait_and_the_next_are_served() -> None:
    detector = BatchedDetector(Counting())
    with pytest.raises(RuntimeError, match="too bright"):
        detector.detect([grey(255)])
    assert detector.detect([grey(3)])[0][0].right == 3


def test_it_finds_what_the_detector_finds() -> None:
    photograph = portrait()
    images = [np.ascontiguousarray(np.roll(photograph, 20 * i, 1)) for i in range(4)]
    plain = MTCNNDetector()
    expected = [plain.detect([image])[0] for image in images]
    batched = BatchedDetector(MTCNNDetector(batch=64))
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda image: batched.detect([image])[0], images))
    for one, other in zip(expected, found, strict=True):
        assert [face.overlap(twin) for face, twin in zip(one, other, strict=True)] == pytest.approx(
            [1.0] * len(one), abs=0.01
        )
