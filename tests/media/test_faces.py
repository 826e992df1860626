"""Boxes and crops."""

import numpy as np
import pytest

from emorec.media import Face, square_crop
from tests.helpers.media_files import Image


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


def test_a_box_has_a_square_around_its_middle() -> None:
    face = Face(10, 20, 30, 60, 0.9)
    assert face.side == 40
    assert face.square() == (40, 0, 20)
    assert face.square(2.0) == (80, -20, 0)
    assert face.moved(2.0, 1.0, -1.0) == Face(21, 39, 61, 119, 0.9)


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
