"""Frames of a face through each window: which ones, and what stands for those without."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from emorec.errors import UserError
from emorec.extractors import FaceSequence
from emorec.media import Face, probe
from emorec.media.faces import Image
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Clip, Window
from emorec.windows import GridWindows
from tests.helpers.detectors import Searched, Stub, number
from tests.helpers.media_files import Picture, times, write_media


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds at 25 frames a second, numbered."""
    return write_media(tmp_path_factory.mktemp("faces") / "clip.mp4", Picture(times(50)))


def made(faces: Sequence[int], frames: int = 4, borrow: float = 0.0) -> FaceSequence:
    search = Searched(mode="every_frame", found_by=Stub(faces))
    return FaceSequence(frames, 96, margin=0.0, borrow=borrow, faces=search)


def numbers(array: Array | None) -> list[int | None] | None:
    return None if array is None else [number(np.asarray(frame)) for frame in array]


def test_frames_are_at_equal_distances_in_the_window(video: Path) -> None:
    extractor = made(range(50))
    found = extractor.extract(Clip("a", video), probe(video), [Window(0.0, 0.8), Window(1.2, 2.0)])
    assert [numbers(array) for array in found.arrays] == [[2, 7, 12, 17], [32, 37, 42, 47]]
    assert extractor.shape == (4, 3, 96, 96)
    assert found.facts["windows_with_face"] == 2
    assert found.findings == []


def test_a_frame_without_a_face_repeats_the_nearest_and_few_are_none(video: Path) -> None:
    window = [Window(0.0, 0.8)]
    clip, media = Clip("a", video), probe(video)
    assert numbers(made([2, 7]).extract(clip, media, window).arrays[0]) == [2, 7, 7, 7]
    few = made([2]).extract(clip, media, [*window, Window(1.2, 2.0)])
    assert few.arrays == [None, None]
    # Neither the frames without a face nor those that borrow one are reported as windows.
    assert few.findings == [Finding(FindingKind.ABSENT, "face", 2, 2)]
    with pytest.raises(UserError, match="at least 2 frames"):
        FaceSequence(1)


@pytest.mark.parametrize("hop", [0.8, 0.2])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_stream_gives_what_the_whole_gives_also_where_windows_overlap(
    video: Path, hop: float, size: int
) -> None:
    windows = GridWindows(0.8, hop)("a", 2.0)
    parts = [windows[start : start + size] for start in range(0, len(windows), size)]
    clip, media = Clip("a", video), probe(video)
    whole = [numbers(a) for a in made(range(50)).extract(clip, media, windows).arrays]
    streamed = list(made(range(50)).stream(clip, media, parts))
    assert [numbers(a) for part in streamed for a in part.persons[1]] == whole
    assert [len(part.boxes[1]) for part in streamed] == [len(part) for part in parts]


def test_windows_are_searched_in_groups_and_a_part_has_the_faces_of_the_whole(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = GridWindows(0.32, 0.32)("a", 2.0)
    clip, media = Clip("a", video), probe(video)
    together = made(range(50)).extract(clip, media, windows)
    monkeypatch.setattr("emorec.extractors.faces.frames.GROUPED", 9)
    extractor = made(range(50))
    asked: list[int] = []
    assert isinstance(extractor.faces, Searched)
    detector = extractor.faces.found_by
    assert isinstance(detector, Stub)
    detect = detector.detect

    def counted(images: Sequence[Image]) -> list[list[Face]]:
        asked.append(len(images))
        return detect(images)

    monkeypatch.setattr(detector, "detect", counted)
    grouped = extractor.extract(clip, media, windows)
    assert max(asked) <= 8
    assert [numbers(a) for a in grouped.arrays] == [numbers(a) for a in together.arrays]
    assert grouped.facts == together.facts
    parts = [extractor.extract(clip, media, windows[i : i + 4]).arrays for i in (0, 4)]
    assert [numbers(a) for part in parts for a in part] == [numbers(a) for a in together.arrays]


def test_a_clip_shorter_than_half_a_window_counts_as_covered(tmp_path: Path) -> None:
    path = write_media(tmp_path / "short.mp4", Picture(times(20)))
    clip, media = Clip("a", path), probe(path)  # 0.8 s
    found = made(range(50), 8).extract(clip, media, [Window(0.0, 3.0)])
    assert numbers(found.arrays[0]) == [4, 14, *[14] * 6]
    assert made([], 8).extract(clip, media, [Window(0.0, 3.0)]).arrays == [None]
    (part,) = made(range(50), 8).stream(clip, media, [[Window(0.0, 3.0)]])
    assert len(part.persons) == 1
