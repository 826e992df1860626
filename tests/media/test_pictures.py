"""Pictures come as players show them: turned, mirrored, with square pixels, of one size."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from emorec.media import iter_frames, probe, read_key_frames
from emorec.media.pictures import fit, nearest_orientation, orient
from emorec.system.findings import Finding, FindingKind
from tests.helpers.corners import changing, corners, read_corners
from tests.helpers.media_files import Picture, shown_by, times, turn_clockwise, write_media

# Matrix (a, b, c, d) -> where the red, green, blue and white corner (of the picture as it is
# stored: top left, top right, bottom left, bottom right) are in what is shown, in that order.
CORNERS = {
    (1, 0, 0, 1): "rgbw",
    (-1, 0, 0, 1): "grwb",  # selfie cameras
    (1, 0, 0, -1): "bwrg",
    (-1, 0, 0, -1): "wbgr",
    (0, 1, -1, 0): "brwg",  # clockwise
    (0, -1, 1, 0): "gwrb",
    (0, 1, 1, 0): "rbgw",
    (0, -1, -1, 0): "wgbr",
}


@pytest.mark.parametrize("matrix", CORNERS)
def test_the_whole_display_matrix_is_applied(
    tmp_path: Path, matrix: tuple[int, int, int, int]
) -> None:
    path = write_media(tmp_path / "a.mp4", Picture(times(5), draw=corners))
    media = probe(shown_by(path, *matrix))
    image = read_key_frames(media, [0.1]).images[0]
    assert read_corners(image) == CORNERS[matrix]
    assert image.shape[:2] == ((120, 160) if matrix[0] else (160, 120))
    assert media.decoding.size == image.shape[1::-1]
    assert read_corners(next(iter_frames(media))[1]) == CORNERS[matrix]
    assert media.findings == ()


def test_a_matrix_that_is_none_of_the_eight_gives_the_nearest_and_is_reported(
    tmp_path: Path,
) -> None:
    path = write_media(tmp_path / "a.mp4", Picture(times(5), draw=corners))
    media = probe(shown_by(path, -0.94, 0.34, 0.34, 0.94))  # mirrored and tilted by 20 degrees
    assert read_corners(read_key_frames(media, [0.1]).images[0]) == "grwb"
    assert media.findings == (Finding(FindingKind.ODD_ORIENTATION, "video"),)
    path = write_media(tmp_path / "zero.mp4", Picture(times(5), draw=corners))
    media = probe(shown_by(path, 0, 0, 0, 0))
    assert read_corners(read_key_frames(media, [0.1]).images[0]) == "rgbw"


def test_the_nearest_orientation_of_any_matrix_is_nearer_than_the_seven_others() -> None:
    rng = np.random.default_rng(0)
    eight = [np.array(m, float).reshape(2, 2) for m in CORNERS]
    for _ in range(200):
        matrix = rng.normal(size=(2, 2))
        unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
        nearest = nearest_orientation(matrix)[0]
        assert min(np.abs(unit - e).sum() for e in eight) == np.abs(unit - nearest).sum()


def test_orienting_twice_by_a_mirror_changes_nothing() -> None:
    image = corners()
    mirror = np.array([[-1.0, 0.0], [0.0, 1.0]])
    assert np.array_equal(orient(orient(image, mirror), mirror), image)


@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        (Fraction(64, 45), (228, 120)),  # PAL, 16:9
        (Fraction(8, 9), (160, 135)),  # NTSC, 4:3
        (Fraction(1, 1), (160, 120)),
    ],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_pixels_that_are_not_square_are_stretched(
    tmp_path: Path, name: str, aspect: Fraction, size: tuple[int, int]
) -> None:
    media = probe(write_media(tmp_path / name, Picture(times(10), draw=corners, aspect=aspect)))
    image = read_key_frames(media, [0.1]).images[0]
    assert image.shape[1::-1] == media.decoding.size == pytest.approx(size, abs=1)
    assert read_corners(image) == "rgbw"


def test_a_turned_picture_is_squared_before_it_is_turned(tmp_path: Path) -> None:
    picture = Picture(times(5), draw=corners, aspect=Fraction(2, 1))
    media = probe(turn_clockwise(write_media(tmp_path / "a.mp4", picture)))
    assert read_key_frames(media, [0.1]).images[0].shape == (320, 120, 3)


def test_all_pictures_of_a_file_have_the_size_of_its_first(tmp_path: Path) -> None:
    media = probe(changing(tmp_path / "call.mkv", (160, 120), (320, 240), (80, 60)))
    assert media.decoding.size == (160, 120)
    frames = read_key_frames(media, [2.5, 1.5])
    assert [image.shape for image in frames.images] == [(120, 160, 3)] * 2
    assert all(read_corners(image) == "rgbw" for image in frames.images)
    every = list(iter_frames(media))
    assert len(every) == 75
    assert {image.shape for _, image in every} == {(120, 160, 3)}


def test_a_picture_of_another_shape_is_not_distorted() -> None:
    image = fit(np.full((160, 120, 3), 200, np.uint8), (160, 120))
    columns = np.flatnonzero(image.any((0, 2)))
    assert image.shape == (120, 160, 3)
    assert (columns[0], columns[-1]) == (35, 124)  # 90 x 120 in the middle


@pytest.mark.parametrize("name", ["raw.h264", "raw.hevc"])
def test_a_raw_stream_lasts_as_long_as_it_has_frames(tmp_path: Path, name: str) -> None:
    codec = "libx264" if name.endswith("h264") else "libx265"
    options = (
        {"preset": "ultrafast", "x265-params": "log-level=error"} if codec == "libx265" else {}
    )
    path = write_media(tmp_path / name, Picture(times(50), codec=codec, options=options))
    media = probe(path)
    assert media.duration == pytest.approx(2.0, abs=0.05)
    frames = read_key_frames(media, [0.01, 1.0, 1.5])
    assert frames.times == pytest.approx([0.0, 1.0, 1.48], abs=0.021)
    assert [time for time, _ in iter_frames(media)] == pytest.approx(times(50))
