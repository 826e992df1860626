import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.media import Face, MTCNNDetector, follow_face, square_crop
from tests.media_files import Image, portrait


def face_at(x: float, y: float = 50.0, side: float = 40.0) -> Face:
    """Return a square box around a point."""
    half = side / 2
    return Face(x - half, y - half, x + half, y + half, 0.99)


@pytest.fixture(scope="module")
def noise() -> Image:
    return np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)


@pytest.fixture(scope="module")
def detector() -> MTCNNDetector:
    return MTCNNDetector(batch=3)


def ramp(width: int = 200, height: int = 120) -> Image:
    """Return an image whose channels hold x, y and 7."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, np.full_like(x, 7)], 2).astype(np.uint8)


def test_overlap_is_intersection_over_union() -> None:
    a = Face(0, 0, 10, 10, 1.0)
    assert a.area == 100
    assert a.overlap(a) == 1
    assert a.overlap(Face(5, 0, 15, 10, 1.0)) == pytest.approx(50 / 150)
    assert a.overlap(Face(10, 0, 20, 10, 1.0)) == 0
    assert a.overlap(Face(11, 11, 20, 20, 1.0)) == 0


def test_no_frames_and_no_faces_give_no_choice() -> None:
    assert follow_face([]) == []
    assert follow_face([[], []]) == [None, None]


def test_one_person_is_kept_through_frames_without_a_face() -> None:
    here, moved = face_at(50), face_at(55)
    assert follow_face([[], [here], [], [moved], []]) == [None, here, None, moved, None]


@given(
    steps=st.lists(
        st.tuples(st.floats(-8, 8), st.floats(-8, 8), st.floats(36, 60), st.floats(36, 60)),
        min_size=1,
        max_size=20,
    ),
    flips=st.lists(st.booleans(), min_size=20, max_size=20),
)
def test_the_choice_never_jumps_to_the_other_person(
    steps: list[tuple[float, float, float, float]], flips: list[bool]
) -> None:
    left = [face_at(100 + a, side=size) for a, _, size, _ in steps]
    right = [face_at(300 + b, side=size) for _, b, _, size in steps]
    frames = [[b, a] if flip else [a, b] for a, b, flip in zip(left, right, flips, strict=False)]
    chosen = follow_face(frames)
    assert chosen in (left, right)
    areas = [face.area for face in chosen if face is not None]
    assert max(areas) == max(face.area for frame in frames for face in frame)


def test_the_choice_returns_to_the_person_who_was_missed_in_a_frame() -> None:
    big, other = face_at(100, side=60), face_at(300, side=50)
    assert follow_face([[big, other], [other], [big, other]])[2] == big


@pytest.mark.parametrize("size", [224, 160, 112, 96, 94])
def test_the_crop_is_square_and_centred_on_the_face(size: int) -> None:
    crop = square_crop(ramp(), Face(60, 40, 100, 80, 0.9), size, 0.5)
    assert crop.shape == (size, size, 3)
    assert crop.dtype == np.uint8
    # 40 pixels and a margin of half of them: columns 50 to 109, lines 30 to 89.
    assert crop[..., 0].mean() == pytest.approx(79.5, abs=0.5)
    assert crop[..., 1].mean() == pytest.approx(59.5, abs=0.5)
    assert (crop[0, 0, 0], crop[0, 0, 1]) == pytest.approx((50, 30), abs=1)
    assert (crop[-1, -1, 0], crop[-1, -1, 1]) == pytest.approx((109, 89), abs=1)


def test_a_crop_at_its_own_scale_copies_the_pixels() -> None:
    crop = square_crop(ramp(), Face(60, 40, 100, 80, 0.9), 40, 0.0)
    assert np.array_equal(crop, ramp()[40:80, 60:100])


def test_the_longer_side_of_the_box_gives_the_square() -> None:
    tall = square_crop(ramp(), Face(70, 20, 90, 80, 0.9), 60, 0.0)
    assert np.array_equal(tall, ramp()[20:80, 50:110])


def test_outside_of_the_image_its_border_is_repeated() -> None:
    crop = square_crop(ramp(), Face(-20, 100, 20, 140, 0.9), 40, 0.0)
    assert np.array_equal(crop[:20, 20:], ramp()[100:, :20])
    assert (crop[:, :20, 0] == 0).all()
    assert (crop[20:, :, 1] == 119).all()
    assert (crop[..., 2] == 7).all()


def test_a_box_without_extent_still_gives_a_crop() -> None:
    assert square_crop(ramp(), Face(50, 50, 50, 50, 0.9), 96, 0.2).shape == (96, 96, 3)


def test_mtcnn_finds_the_face_of_a_portrait(detector: MTCNNDetector) -> None:
    [[face]] = detector.detect([portrait()])
    assert face.left < 224 < face.right  # the nose
    assert face.top < 115 < face.bottom
    assert 50 < face.right - face.left < 150
    assert 0.9 < face.score <= 1


def test_boxes_are_in_pixels_of_the_frame_that_was_given(detector: MTCNNDetector) -> None:
    [[face]] = detector.detect([portrait()])
    large = np.asarray(cv2.resize(portrait(), (1024, 1024)), np.uint8)
    [[twice]] = detector.detect([large])
    halved = Face(*(value / 2 for value in twice))
    assert face.overlap(halved) > 0.8


def test_mtcnn_finds_no_face_in_noise_nor_in_black(detector: MTCNNDetector, noise: Image) -> None:
    assert detector.detect([noise, np.zeros_like(noise)]) == [[], []]
    assert detector.detect([np.zeros_like(noise)]) == [[]]
    assert detector.detect([]) == []


def test_frames_with_and_without_a_face_share_a_batch(
    detector: MTCNNDetector, noise: Image
) -> None:
    both = np.concatenate([portrait()[:, 64:320]] * 2, 1)
    found = detector.detect([portrait(), noise, both, noise, portrait()])
    assert [len(faces) for faces in found] == [1, 0, 2, 0, 1]
    assert found[0][0].overlap(found[4][0]) > 0.9
    assert found[2][0].overlap(found[2][1]) == 0


def test_faces_below_the_least_score_are_dropped() -> None:
    assert MTCNNDetector(min_score=1.1).detect([portrait()]) == [[]]
