"""Part after part of a recording gives what the whole gives, in one pass, for each person."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from emorec.extractors import Extraction, FaceCrops, LogMel
from emorec.media import Face, FaceDetector, probe
from emorec.system.findings import Finding, FindingKind
from emorec.types import Clip, Window
from emorec.windows import GridWindows
from tests.helpers.detectors import Searched, Stub, number
from tests.helpers.media_files import (
    Image,
    Picture,
    Sound,
    beep,
    read_bars,
    times,
    tone,
    write_media,
)

LEFT, RIGHT = Face(0, 0, 80, 120, 1.0), Face(80, 0, 160, 120, 1.0)


class Two(FaceDetector):
    """Sees somebody on the left, and on the right from some frame on."""

    def __init__(self, since: int) -> None:
        self.since = since

    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        return [self.faces(image) for image in images]

    def faces(self, image: Image) -> list[Face]:
        return [LEFT, RIGHT] if read_bars(image) >= self.since else [LEFT]

    def refine(self, image: Image, face: Face) -> Face | None:
        return face


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds: numbered frames, and a beep in the third second."""
    path = tmp_path_factory.mktemp("media") / "a.mp4"
    sound = beep(48000, 4.0, at=2.2)[None]
    return write_media(path, Picture(times(100)), Sound(sound))


def parts(count: int, hop: float = 0.25) -> list[list[Window]]:
    windows = GridWindows(0.5, hop)("a", 4.0)
    return [windows[start : start + count] for start in range(0, len(windows), count)]


@pytest.mark.parametrize("size", [1, 4, 100])
def test_spectrograms_are_those_of_the_whole(video: Path, size: int) -> None:
    media, mel = probe(video), LogMel(sample_rate=16000)
    cut = parts(size)
    streamed = [
        array for found in mel.stream(Clip("a", video), media, cut) for array in found.arrays
    ]
    whole = mel.extract(Clip("a", video), media, [w for part in cut for w in part]).arrays
    compared = 0
    for one, other in zip(streamed, whole, strict=True):
        if one is not None and other is not None:
            np.testing.assert_array_equal(one, other)
            compared += 1
    assert compared >= 3  # a part of digital silence is absent, where the whole is not
    assert len(streamed) == len(whole) == 15


def test_a_person_has_the_crops_that_the_whole_gives(video: Path) -> None:
    media = probe(video)
    cut = parts(4)
    faces = FaceCrops(size=96, margin=0.0, faces=Searched(found_by=Stub(range(200))))
    found = list(faces.stream(Clip("a", video), media, cut))
    assert [set(one.persons) for one in found] == [{1}] * 4
    streamed = [number(crop) for one in found for crop in one.persons[1]]
    search = Searched(mode="every_frame", found_by=Stub(range(200)))
    whole = FaceCrops(size=96, margin=0.0, faces=search)
    every = whole.extract(Clip("a", video), media, [w for part in cut for w in part]).arrays
    assert streamed == [number(crop) for crop in every]


def test_who_appears_later_is_a_second_person_from_then_on(video: Path) -> None:
    faces = FaceCrops(size=96, margin=0.0, faces=Searched(found_by=Two(since=50)))
    found = list(faces.stream(Clip("a", video), probe(video), parts(5, hop=0.5)))
    visible = [
        [person for person, crops in one.persons.items() if crops[i] is not None]
        for one in found
        for i in range(len(next(iter(one.persons.values()))))
    ]
    # Key frames at 0.25, 0.75, ... s; the second person is in the picture from 2 s on and found
    # in the next search; the crop of 2.25 s is borrowed for nobody further than 0.5 s away.
    assert visible[:3] == [[1]] * 3
    assert visible[-3:] == [[1, 2]] * 3
    boxes = [one.boxes[2] for one in found if 2 in one.boxes]
    assert all(box in (None, RIGHT) for each in boxes for box in each)


def test_without_a_picture_the_face_is_absent_and_it_is_reported(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", None, Sound(tone(48000, 2.0)[None]))
    faces = FaceCrops(size=96, faces=Searched(found_by=Stub([])))
    found = list(faces.stream(Clip("a", path), probe(path), parts(8)))
    assert found == [Extraction([], {}, [Finding(FindingKind.MISSING, "video")])] * 2
    silent = write_media(tmp_path / "b.mp4", Picture(times(50)), None)
    mels = list(LogMel().stream(Clip("b", silent), probe(silent), parts(8)))
    assert all(array is None for one in mels for array in one.arrays)
    assert [one.findings for one in mels] == [[Finding(FindingKind.MISSING, "sound")]] * 2


def test_a_grid_covers_the_clip_and_a_short_one_has_one_window() -> None:
    grid = GridWindows(0.5, 0.25)
    assert [w.start for w in grid("a", 1.0)] == [0.0, 0.25, 0.5]
    assert grid("a", 1.2499)[-1].end == 1.25  # short by less than a millisecond
    assert grid("a", 0.3) == [Window(0.0, 0.5)]
    with pytest.raises(ValueError, match="hop > 0"):
        GridWindows(0.5, 0.0)
