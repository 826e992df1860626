"""The real detectors on a real portrait: in whole frames, and around a known face."""

import cv2
import numpy as np
import pytest

from emorec.media import BlazeFaceDetector, Face, FaceDetector, MTCNNDetector
from tests.helpers.media_files import Image, portrait


@pytest.fixture(scope="module")
def noise() -> Image:
    return np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)


@pytest.fixture(scope="module", params=["mtcnn", "blazeface"])
def detector(request: pytest.FixtureRequest) -> FaceDetector:
    return MTCNNDetector(batch=3) if request.param == "mtcnn" else BlazeFaceDetector()


def test_it_finds_the_face_of_a_portrait(detector: FaceDetector) -> None:
    [[face]] = detector.detect([portrait()])
    assert face.left < 224 < face.right  # the nose
    assert face.top < 115 < face.bottom
    assert 50 < face.right - face.left < 150
    assert 0.8 < face.score <= 1


def test_boxes_are_in_pixels_of_the_frame_that_was_given(detector: FaceDetector) -> None:
    [[face]] = detector.detect([portrait()])
    large = np.asarray(cv2.resize(portrait(), (1024, 1024)), np.uint8)
    [[twice]] = detector.detect([large])
    halved = Face(*(value / 2 for value in twice))
    assert face.overlap(halved) > 0.8


def test_it_finds_no_face_in_noise_nor_in_black(detector: FaceDetector, noise: Image) -> None:
    assert detector.detect([noise, np.zeros_like(noise)]) == [[], []]
    assert detector.detect([np.zeros_like(noise)]) == [[]]
    assert detector.detect([]) == []


def test_frames_with_and_without_a_face_share_a_batch(detector: FaceDetector, noise: Image) -> None:
    both = np.concatenate([portrait()[:, 64:320]] * 2, 1)
    found = detector.detect([portrait(), noise, both, noise, portrait()])
    assert [len(faces) for faces in found] == [1, 0, 2, 0, 1]
    assert found[0][0].overlap(found[4][0]) > 0.9
    assert found[2][0].overlap(found[2][1]) == 0


def moved(image: Image, right: int, down: int) -> Image:
    """Return the image moved by some pixels, its border repeated."""
    shift = np.array([[1, 0, right], [0, 1, down]], np.float32)
    size = image.shape[1::-1]
    out = cv2.warpAffine(image, shift, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.uint8)


def test_a_face_is_refined_to_where_detection_finds_it(detector: FaceDetector) -> None:
    [[face]] = detector.detect([portrait()])
    for right, down in [(12, 8), (-14, 6), (16, 12), (-18, 10)]:
        image = moved(portrait(), right, down)
        new = detector.refine(image, face)
        [[expected]] = detector.detect([image])
        assert new is not None
        assert new.overlap(expected) > 0.8
        assert new.overlap(expected) > face.overlap(expected) + 0.15


def test_refining_does_not_drift(detector: FaceDetector) -> None:
    [[face]] = detector.detect([portrait()])
    last: Face | None = face
    for _ in range(50):
        assert last is not None
        last = detector.refine(portrait(), last)
    assert last is not None
    assert last.overlap(face) > 0.85


def test_a_face_that_is_gone_is_not_refined(detector: FaceDetector, noise: Image) -> None:
    [[face]] = detector.detect([portrait()])
    assert detector.refine(noise, face) is None
    assert detector.refine(moved(portrait(), 200, 0), face) is None


def test_a_face_half_outside_of_the_frame_can_be_asked_for(detector: FaceDetector) -> None:
    detector.refine(portrait(), Face(-60, -60, 40, 40, 0.99))
    detector.refine(portrait(), Face(480, 480, 600, 640, 0.99))
