"""Still pictures: what is read of them, and which are refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emorec.extractors import FaceCrops, Waveform
from emorec.extractors.faces.search import FaceSearch
from emorec.media import MediaError, iter_frames, probe, read_key_frames
from emorec.media.still import SIDE, read_still
from emorec.types import Clip, Window

RED, BLUE = (255, 0, 0), (0, 0, 255)


def picture() -> Image.Image:
    """A black picture of 60 x 40 pixels, red in its upper left and blue in its lower right."""
    levels = np.zeros((40, 60, 3), np.uint8)
    levels[:20, :30], levels[20:, 30:] = RED, BLUE
    return Image.fromarray(levels)


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "webp", "tif", "JPEG"])
def test_a_picture_is_on_screen_at_all_times(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"a.{suffix}"
    picture().save(file)
    media = probe(file)
    assert (media.duration, media.audio, media.decoding.size) == (0.5, None, (60, 40))
    frames = read_key_frames(media, [0.1, 7.0])
    assert frames.of == [0, 0]
    np.testing.assert_allclose(frames.images[0][5, 5], RED, atol=8)
    np.testing.assert_allclose(frames.images[0][35, 55], BLUE, atol=8)
    assert [time for time, _ in iter_frames(media)] == [0.0]
    part = media.part(3.0, 6.0)
    assert part.duration == 3.0
    assert part.video is not None
    assert part.video.share(0.0, 3.0) == 1.0


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_it_is_turned_as_the_camera_says(suffix: str, tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # the first row is on the right
    picture().save(tmp_path / f"a.{suffix}", exif=turned)
    image = read_still(tmp_path / f"a.{suffix}")
    assert image.shape == (60, 40, 3)
    np.testing.assert_allclose(image[5, 35], RED, atol=8)
    np.testing.assert_allclose(image[55, 5], BLUE, atol=8)


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("L", "jpg"), ("P", "png"), ("CMYK", "jpg"), ("RGBA", "webp"), ("LA", "png"), ("1", "png")],
)
def test_every_kind_of_colour_becomes_rgb(mode: str, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"a.{suffix}"
    picture().convert(mode).save(file)
    image = read_still(file)
    assert image.shape == (40, 60, 3)
    # Black stays black, and what is coloured is not.
    assert image[5, 50].max() < 10
    assert image[5:15, 5:25].max() > 60


@pytest.mark.parametrize(
    ("levels", "suffix"),
    [
        (np.linspace(0, 65535, 2400).astype(np.uint16), "png"),
        (np.linspace(0, 1, 2400).astype(np.float32), "tif"),
        (np.linspace(0, 255, 2400).astype(np.float32), "tif"),
    ],
)
def test_grey_levels_of_other_ranges_are_scaled(
    levels: "np.ndarray[tuple[int], np.dtype[np.float32]]", suffix: str, tmp_path: Path
) -> None:
    file = tmp_path / f"a.{suffix}"
    Image.fromarray(levels.reshape(40, 60)).save(file)
    image = read_still(file)
    expected = np.linspace(0, 255, 2400).reshape(40, 60)
    np.testing.assert_allclose(image[..., 1], expected, atol=1.01)


def test_what_is_transparent_is_black(tmp_path: Path) -> None:
    seen = picture().convert("RGBA")
    seen.putalpha(0)
    seen.save(tmp_path / "a.png")
    assert read_still(tmp_path / "a.png").max() == 0


def test_large_ones_are_scaled_and_huge_ones_refused(tmp_path: Path) -> None:
    Image.new("RGB", (5000, 2500), RED).save(tmp_path / "large.jpg")
    media = probe(tmp_path / "large.jpg")
    assert media.decoding.size == (SIDE, SIDE // 2)
    assert read_still(tmp_path / "large.jpg").shape == (SIDE // 2, SIDE, 3)
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")  # 50 kB, a gigabyte as RGB
    with pytest.raises(MediaError, match="400000000 pixels"):
        probe(tmp_path / "bomb.png")


def test_damaged_and_other_files_are_refused(tmp_path: Path) -> None:
    picture().save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("no picture" * 50)
    with pytest.raises(MediaError, match="not readable as a picture"):
        probe(tmp_path / "half.jpg")
    with pytest.raises(MediaError, match="no JPEG, PNG"):
        probe(tmp_path / "text.png")
    (tmp_path / "a.mp4").write_bytes(whole)
    with pytest.raises(MediaError, match="only with a suffix such as"):
        probe(tmp_path / "a.mp4")


def test_a_picture_cut_to_a_face_is_taken_whole(tmp_path: Path) -> None:
    picture().save(tmp_path / "a.png")
    clip, media = Clip("a", tmp_path / "a.png"), probe(tmp_path / "a.png")
    window = Window(0.0, media.duration)
    search = FaceSearch(method="whole")
    (crop,) = FaceCrops(size=60, margin=0.0, faces=search).extract(clip, media, [window]).arrays
    assert crop is not None
    np.testing.assert_array_equal(crop[:, 15, 10], RED)
    np.testing.assert_array_equal(crop[:, 45, 50], BLUE)
    assert Waveform().extract(clip, media, [window]).arrays == [None]
