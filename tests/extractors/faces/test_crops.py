from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from emorec.extractors import Extraction, FaceCrops, FaceSearch
from emorec.media import probe
from emorec.system.described import described
from emorec.system.findings import Finding, FindingKind
from emorec.types import Clip, Window
from tests.helpers.detectors import Searched, Stub, number
from tests.helpers.media_files import (
    Image,
    Picture,
    Sound,
    portrait,
    times,
    tone,
    write_media,
    write_sound,
)


def around(*middles: float) -> list[Window]:
    """Return windows of half a second around some times."""
    return [Window(t - 0.25, t + 0.25) for t in middles]


def extract(
    path: Path, windows: Sequence[Window], faces: Sequence[int], size: int = 96
) -> Extraction:
    search = Searched(mode="every_frame", found_by=Stub(faces))
    extractor = FaceCrops(size=size, margin=0.0, faces=search)
    return extractor.extract(Clip("a", path), probe(path), windows)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_media(tmp_path_factory.mktemp("faces") / "clip.mp4", Picture(times(50)))


@pytest.mark.parametrize("size", [224, 160, 112, 96, 94])
def test_a_crop_of_the_frame_at_the_windows_middle_in_every_size(video: Path, size: int) -> None:
    found = extract(video, around(0.25, 0.61, 1.41), range(50), size)
    assert [number(array) for array in found.arrays] == [6, 15, 35]
    for array in found.arrays:
        assert array is not None
        assert array.shape == FaceCrops(size=size).shape == (3, size, size)
        assert array.dtype == np.uint8
    assert found.facts == {"windows_with_face": 3, "faces_borrowed": 0, "face_side": 160}
    assert found.findings == []


def test_a_face_is_borrowed_within_half_a_second_and_absent_beyond(video: Path) -> None:
    found = extract(video, around(0.41, 0.85, 0.95, 1.5), faces=[10])
    assert [number(array) for array in found.arrays] == [10, 10, None, None]
    assert found.facts == {"windows_with_face": 2, "faces_borrowed": 1, "face_side": 160}
    assert found.findings == [
        Finding(FindingKind.ABSENT, "face", 2, 4),
        Finding(FindingKind.BORROWED, "face", 1, 4),
    ]


def test_the_nearest_frame_lends_its_face(video: Path) -> None:
    found = extract(video, around(0.41, 0.69, 0.73, 1.01), faces=[10, 25])
    assert [number(array) for array in found.arrays] == [10, 10, 25, 25]
    assert found.facts["faces_borrowed"] == 2


def test_no_face_at_all_leaves_all_windows_without_one(video: Path) -> None:
    found = extract(video, around(0.41, 0.85), faces=[])
    assert found.arrays == [None, None]
    assert found.facts == {"windows_with_face": 0, "faces_borrowed": 0, "face_side": 0}
    assert found.findings == [Finding(FindingKind.ABSENT, "face", 2, 2)]


@pytest.mark.parametrize("mode", ["tracked", "every_frame"])
def test_each_key_frame_is_searched_once(
    video: Path, mode: Literal["tracked", "every_frame"]
) -> None:
    stub = Stub(range(50))
    extractor = FaceCrops(size=96, margin=0.0, faces=Searched(mode=mode, found_by=stub))
    windows = around(0.41, 0.42, 1.01, 0.43, 1.21, 1.41)
    found = extractor.extract(Clip("a", video), probe(video), windows)
    assert sorted(stub.seen) == [10, 25, 30, 35]
    assert [number(crop) for crop in found.arrays] == [10, 10, 25, 10, 30, 35]


def test_a_file_without_a_picture_has_no_faces(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", tone(8000, 1.0)[None], 8000)
    found = extract(path, around(0.25, 0.5), faces=range(50))
    assert found.arrays == [None, None]
    assert found.facts["windows_with_face"] == 0
    assert found.findings == [Finding(FindingKind.MISSING, "video")]


def test_a_picture_that_covers_less_than_half_of_a_window_is_absent(tmp_path: Path) -> None:
    sound = Sound(tone(48000, 2.0)[None], codec="pcm_s16le")
    path = write_media(tmp_path / "clip.mov", Picture(times(25)), sound)
    found = extract(path, [Window(s, s + 0.5) for s in (0.5, 0.7, 0.8, 1.5)], faces=range(25))
    assert [number(array) for array in found.arrays] == [18, 23, None, None]
    assert Finding(FindingKind.ABSENT, "video", 2, 4) in found.findings


def test_a_clip_shorter_than_a_window_shows_the_frame_at_the_windows_middle(
    tmp_path: Path,
) -> None:
    path = write_media(tmp_path / "short.mp4", Picture(times(11)))
    found = extract(path, [Window(0.0, 0.5)], faces=range(11))
    assert [number(array) for array in found.arrays] == [6]


def test_mtcnn_cuts_the_face_of_a_portrait_and_nothing_of_noise(tmp_path: Path) -> None:
    face = portrait()[:256, 96:352]
    noise = np.random.default_rng(0).integers(0, 256, face.shape, np.uint8)

    def draw(frame: int) -> Image:
        return face if frame < 25 else noise

    path = write_media(tmp_path / "portrait.mp4", Picture(times(50), draw=draw))
    windows = around(0.5, 0.9, 1.3, 1.6)
    found = FaceCrops(size=96).extract(Clip("a", path), probe(path), windows)
    own, second, borrowed, absent = found.arrays
    assert own is not None
    assert second is not None
    assert borrowed is not None
    assert absent is None
    assert found.facts["windows_with_face"] == 3
    assert found.facts["faces_borrowed"] == 1
    assert np.array_equal(borrowed, second)
    # Skin: red above green above blue, which holds for no other large part of the picture.
    red, green, blue = own[:, 30:66, 30:66].astype(np.float32).mean((1, 2))
    assert red > green + 20 > blue + 20


def test_standardisation_is_imagenets_in_units_of_bytes() -> None:
    constants = FaceCrops().constants()
    assert constants is not None
    mean, deviation = constants
    assert mean.shape == deviation.shape == (3, 1, 1)
    assert mean.ravel() == pytest.approx([123.675, 116.28, 103.53], abs=1e-3)
    assert deviation.ravel() == pytest.approx([58.395, 57.12, 57.375], abs=1e-3)


def test_a_tiny_size_is_refused_with_the_least_one() -> None:
    with pytest.raises(ValueError, match="at least 32; got 31"):
        FaceCrops(size=31)


def test_the_search_is_an_argument_of_its_own() -> None:
    extractor = FaceCrops(size=112, borrow=0.1)
    assert extractor.arguments() == {
        "size": 112,
        "margin": 0.2,
        "borrow": 0.1,
        "faces": FaceSearch(360, 40, None, "tracked", "largest", "mtcnn"),
    }
    assert described(extractor)["init_args"]["faces"]["min_face"] == 40
