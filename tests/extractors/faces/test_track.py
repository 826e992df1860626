"""Faces of a clip are decoded and searched once for all extractors that want them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emorec.cache import make_entry
from emorec.extractors import Extractor, FaceCrops, FaceHog, FaceSequence
from emorec.extractors.faces import track
from emorec.media import Media, probe
from emorec.types import Clip, Window
from emorec.windows import GridWindows
from tests.helpers.detectors import Searched, Stub, number
from tests.helpers.media_files import Picture, times, write_media

WINDOWS = [Window(t, t + 0.4) for t in (0.0, 0.4, 0.8, 1.2)]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_media(tmp_path_factory.mktemp("faces") / "clip.mp4", Picture(times(50)))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many frames each pass over the file was asked for."""
    asked: list[int] = []
    for name in ("read_key_frames", "iter_key_frames"):
        read = getattr(track, name)

        def counted(media: Media, at: Sequence[float], read: Any = read) -> Any:
            asked.append(len(at))
            return read(media, at)

        monkeypatch.setattr(track, name, counted)
    return asked


def pair(stub: Stub, **options: Any) -> dict[str, Extractor]:
    search = Searched(mode="every_frame", found_by=stub, **options)
    return {"large": FaceCrops(96, 0.0, faces=search), "small": FaceCrops(64, 0.0, faces=search)}


def test_two_that_look_at_the_same_frames_share_decoding_and_search(
    video: Path, decoded: list[int]
) -> None:
    stub = Stub(range(50))
    entry, arrays = make_entry(Clip("a", video), Path(), GridWindows(0.4, 0.4), pair(stub))
    assert entry.status == "ok"
    assert decoded == [5]
    assert len(stub.seen) == 5
    for name, size in (("large", 96), ("small", 64)):
        assert arrays[name].shape == (5, 3, size, size)
        assert [number(crop) for crop in arrays[name]] == stub.seen


def test_another_search_finds_its_own_faces_in_the_same_frames(
    video: Path, decoded: list[int]
) -> None:
    first, second = Stub(range(50)), Stub([5, 15])
    extractors: dict[str, Extractor] = {
        "all": FaceCrops(96, faces=Searched(mode="every_frame", found_by=first)),
        "some": FaceCrops(96, borrow=0.0, faces=Searched(mode="every_frame", found_by=second)),
    }
    entry, _ = make_entry(Clip("a", video), Path(), GridWindows(0.4, 0.4), extractors)
    assert decoded == [5]
    assert len(first.seen) == len(second.seen) == 5
    assert entry.present == {"all": [True] * 5, "some": [True, True, False, False, False]}


def test_other_frames_are_decoded_and_what_was_found_is_kept(
    video: Path, decoded: list[int]
) -> None:
    stub, media, clip = Stub(range(50)), probe(video), Clip("a", video)
    search = Searched(mode="every_frame", found_by=stub)
    sequence, hog = FaceSequence(4, 96, faces=search), FaceHog(4, 48, faces=search)
    one = FaceCrops(96, faces=search)
    for extractor in (sequence, hog, one, sequence):
        extractor.extract(clip, media, WINDOWS)
    # The frames of the last one had given way to others; their faces had not.
    assert decoded == [16, 4, 16]
    assert len(stub.seen) == 20


def test_many_frames_are_not_kept(
    video: Path, decoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(track, "KEPT", 1000)
    stub, media = Stub(range(50)), probe(video)
    for extractor in pair(stub).values():
        extractor.extract(Clip("a", video), media, WINDOWS)
    assert decoded == [4, 4]
    assert len(stub.seen) == 4
    assert "frames" not in media.shared


def test_a_part_of_a_file_and_the_file_opened_again_share_nothing(
    video: Path, decoded: list[int]
) -> None:
    stub = Stub(range(50))
    (extractor, _) = pair(stub).values()
    media = probe(video)
    for each in (media, media.part(0.0, 1.9), probe(video)):
        extractor.extract(Clip("a", video), each, WINDOWS)
    assert decoded == [4, 4, 4]
    assert len(stub.seen) == 12


def test_streams_share_one_pass_and_give_what_each_gives_alone(
    video: Path, decoded: list[int]
) -> None:
    clip, parts = Clip("a", video), [WINDOWS[:2], WINDOWS[2:]]
    alone = {
        name: list(extractor.stream(clip, probe(video), parts))
        for name, extractor in pair(Stub(range(50))).items()
    }
    assert decoded == [4, 4]
    stub, media = Stub(range(50)), probe(video)
    streams = {name: e.stream(clip, media, parts) for name, e in pair(stub).items()}
    found: dict[str, list[Any]] = {name: [] for name in streams}
    for _ in parts:
        for name, stream in streams.items():
            found[name].append(next(stream))
    assert decoded == [4, 4, 4]
    assert len(stub.seen) == 4
    for name, each in found.items():
        for one, other in zip(each, alone[name], strict=True):
            assert one.boxes == other.boxes
            for person, arrays in other.persons.items():
                for mine, theirs in zip(one.persons[person], arrays, strict=True):
                    np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))


def test_a_stream_that_begins_later_has_all_of_it(video: Path, decoded: list[int]) -> None:
    clip, media, parts = Clip("a", video), probe(video), [WINDOWS[:2], WINDOWS[2:]]
    first, second = pair(Stub(range(50))).values()
    begun = first.stream(clip, media, parts)
    next(begun)
    assert len(list(second.stream(clip, media, parts))) == 2
    assert len(list(begun)) == 1
    assert decoded == [4, 4]
    assert media.shared["followed"] == {}
