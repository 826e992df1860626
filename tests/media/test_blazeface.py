"""What is BlazeFace's own; see test_detectors.py for the rest."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from emorec.media import BlazeFaceDetector, Face, FaceDetector, MTCNNDetector
from emorec.media.blazeface import FAR, NEARBY, fitted, framed, unframed
from tests.helpers.media_files import Image, portrait


class Other(FaceDetector):
    """Sees one face in each frame, and remembers how many it was shown."""

    def __init__(self) -> None:
        self.shown = 0

    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        self.shown += len(images)
        return [[Face(1, 2, 3, 4, 0.9)] for _ in images]

    def refine(self, image: Image, face: Face) -> Face | None:
        return None


def scene(side: int, height: int, width: int) -> Image:
    """Return a grey frame in whose middle the portrait is shown, scaled to a side."""
    small = cv2.resize(portrait(), (side, side), interpolation=cv2.INTER_AREA)
    frame = np.full((height, width, 3), 128, np.uint8)
    top, left = (height - side) // 2, (width - side) // 2
    frame[top : top + side, left : left + side] = small
    return frame


def test_there_is_a_box_for_each_output_of_the_networks() -> None:
    for network, count in ((NEARBY, 896), (FAR, 2304)):
        anchors = network.anchors()
        assert anchors.shape == (count, 2)
        assert anchors.min() == pytest.approx(0.5 / max(n for n, _ in network.fields))
        assert np.allclose(anchors.mean(0), 0.5)
    # x runs faster than y
    assert np.allclose(FAR.anchors()[1] - FAR.anchors()[0], [1 / 48, 0])


@pytest.mark.parametrize("shape", [(720, 1280), (1280, 720), (360, 360)])
def test_boxes_are_those_of_mtcnn_in_frames_of_any_shape(shape: tuple[int, int]) -> None:
    image = scene(340, *shape) if shape == (360, 360) else scene(700, *shape)
    [[mine]] = BlazeFaceDetector(min_face=20).detect([image])
    [[its]] = MTCNNDetector(min_face=20).detect([image])
    assert mine.overlap(its) > 0.75


def test_small_faces_are_dropped() -> None:
    image = scene(700, 720, 1280)
    [[face]] = BlazeFaceDetector(min_face=20).detect([image])
    lines = (face.bottom - face.top) / 2  # at 360 lines
    assert BlazeFaceDetector(min_face=round(lines) - 2).detect([image]) != [[]]
    assert BlazeFaceDetector(min_face=round(lines) + 2).detect([image]) == [[]]


def test_faces_below_the_least_score_are_dropped() -> None:
    assert BlazeFaceDetector(min_score=1.0).detect([portrait()]) == [[]]


def test_frames_without_a_face_are_left_to_another_detector() -> None:
    other, black = Other(), np.zeros_like(portrait())
    found = BlazeFaceDetector(otherwise=other).detect([black, portrait(), black])
    assert other.shown == 2
    assert [faces[0].score == 0.9 for faces in found] == [True, False, True]


def test_a_box_is_drawn_and_undone() -> None:
    square = Face(10, 20, 110, 120, 0.7)
    box = framed(square)
    assert box.bottom - box.top > box.right - box.left
    assert unframed(box) == pytest.approx(square)


@pytest.mark.parametrize(
    "shape", [(576, 1280), (1440, 1366), (1, 1), (2, 500), (500, 2), (90, 160)]
)
def test_a_fitted_frame_is_where_it_is_said_to_be(shape: tuple[int, int]) -> None:
    height, width = shape
    square, scale, left, top = fitted(np.full((height, width, 3), 255, np.uint8), 192)
    lines, columns = np.nonzero(square[..., 0])
    corners = Face(columns.min(), lines.min(), columns.max() + 1, lines.max() + 1, 1.0)
    found = corners.moved(scale, left, top)
    assert found[:4] == pytest.approx((0, 0, width, height), abs=max(1.0, scale))
    BlazeFaceDetector().detect([np.full((height, width, 3), 255, np.uint8)])


def test_threads_do_not_disturb_each_other() -> None:
    detector = BlazeFaceDetector()
    images = [scene(700, 720, 1280), np.zeros((720, 1280, 3), np.uint8)] * 20
    expected = [detector.detect([image]) for image in images[:2]]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda image: detector.detect([image]), images))
    assert found == expected * 20
