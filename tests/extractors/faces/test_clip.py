"""Grey clips and points of a face: which frames, and what stands after the end of a clip."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from emorec.errors import UserError
from emorec.extractors import FaceClip, FaceLandmarks
from emorec.extractors.faces import landmarks
from emorec.media import Face, probe
from emorec.types import Clip, Window
from tests.helpers.detectors import Searched, Stub
from tests.helpers.media_files import Image, Picture, read_bars, times, write_media


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second at 25 frames a second, numbered."""
    return write_media(tmp_path_factory.mktemp("clip") / "clip.mp4", Picture(times(25)))


def search(faces: Sequence[int] = range(25)) -> Searched:
    return Searched(mode="every_frame", found_by=Stub(faces))


def test_the_first_frames_are_taken_and_black_ones_after_the_end(video: Path) -> None:
    window, media = [Window(0.0, 1.0)], probe(video)
    black = FaceClip(40, 64, faces=search())
    (array,) = black.extract(Clip("a", video), media, window).arrays
    assert array is not None
    assert array.shape == black.shape == (40, 1, 64, 64)
    assert [bool(frame.any()) for frame in array] == [True] * 25 + [False] * 15
    (again,) = (
        FaceClip(40, 64, pad="repeat", faces=search())
        .extract(Clip("a", video), media, window)
        .arrays
    )
    assert again is not None
    assert np.array_equal(again[:25], array[:25])
    assert all(np.array_equal(frame, again[24]) for frame in again[25:])
    spread = FaceClip(5, 64, rate=None, faces=search())
    (few,) = spread.extract(Clip("a", video), media, window).arrays
    assert few is not None
    for number, frame in zip((2, 7, 12, 17, 22), few, strict=True):
        assert np.array_equal(frame, array[number])


def test_frames_are_grey_and_equalised(video: Path) -> None:
    extractor = FaceClip(4, 96, faces=search())
    image = np.tile(np.linspace(100, 140, 160).astype(np.uint8)[None, :, None], (120, 1, 3))
    cut = extractor.cut(image, Face(20, 0, 140, 120, 1.0))
    assert cut.shape == (1, 96, 96)
    assert cut.min() == 0
    assert cut.max() == 255
    with pytest.raises(UserError, match="above 0; got 0"):
        FaceClip(rate=0.0)


class Mesh:
    """Says which frame it was shown, in all of its points; sees no face in frame 3."""

    def points(self, image: Image, face: Face) -> np.ndarray | None:
        frame = read_bars(image)
        return None if frame == 3 else np.full((468, 2), frame, np.float32)


def test_points_say_which_frame_they_are_of(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landmarks, "face_mesh", Mesh)
    extractor = FaceLandmarks("68", frames=8, rate=25.0, faces=search([0, 1, 2, 3, 6]))
    (array,) = extractor.extract(Clip("a", video), probe(video), [Window(0.0, 1.0)]).arrays
    assert array is not None
    assert array.shape == extractor.shape == (8, 68, 3)
    assert array[:, 0, 0].tolist() == [0, 1, 2, 2, 2, 6, 6, 6]
    assert array[:, 0, 2].tolist() == [1, 1, 1, 0, 0, 0, 1, 0]
    longer = FaceLandmarks(frames=30, rate=25.0, faces=search())
    (array,) = longer.extract(Clip("a", video), probe(video), [Window(0.0, 1.0)]).arrays
    assert array is not None
    assert array.shape == (30, 468, 3)
    assert not array[25:].any()


def test_points_are_smoothed_over_time(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landmarks, "face_mesh", Mesh)
    made = {
        smooth: FaceLandmarks(frames=10, rate=25.0, smooth=smooth, faces=search())
        .extract(Clip("a", video), probe(video), [Window(0.4, 0.8)])
        .arrays[0]
        for smooth in (0.0, 2.0)
    }
    raw, smooth = made[0.0], made[2.0]
    assert raw is not None
    assert smooth is not None
    assert np.diff(raw[:, 0, 0]).tolist() == [1.0] * 9
    assert smooth[5, 0, 0] == pytest.approx(raw[5, 0, 0], abs=0.2)  # a straight course stays
    assert smooth[0, 0, 0] > raw[0, 0, 0]
    with pytest.raises(UserError, match="0 or more; got -1"):
        FaceLandmarks(smooth=-1.0)


def test_the_box_of_a_window_is_that_of_its_middle(video: Path) -> None:
    def box_time(extractor: FaceClip) -> list[float | None]:
        (found,) = extractor.stream(Clip("a", video), probe(video), [[Window(0.0, 1.0)]])
        return [None if box is None else box.left for box in found.boxes[1]]

    class Moving(Stub):
        def detect(self, images: Sequence[Image]) -> list[list[Face]]:
            return [[Face(read_bars(image), 0, 160, 120, 1.0)] for image in images]

    search = Searched(mode="every_frame", found_by=Moving([]))
    for frames, rate in ((20, 25.0), (20, None), (40, 25.0)):
        (left,) = box_time(FaceClip(frames, 64, rate=rate, faces=search))
        assert left == pytest.approx(12, abs=1)  # of 25 frames
