"""Odd but readable clips become segments of both modalities where they have both."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from emorec.cache.entry import make_entry
from emorec.extractors import Extractor, FaceCrops, LogMel
from emorec.media import probe, read_key_frames
from emorec.types import Array, Clip
from emorec.windows import RandomWindows
from tests.helpers.media_files import (
    Picture,
    Sound,
    bars,
    times,
    tone,
    turn_clockwise,
    write_media,
)
from tests.helpers.talking import VIDEO, VOICE, in_channels, person

WINDOWS = 6


@pytest.fixture(scope="module")
def extractors() -> dict[str, Extractor]:
    return {"audio": LogMel(), "face": FaceCrops(size=96)}


RAW = replace(VIDEO, codec="ffv1", options={})


CASES: dict[str, tuple[str, tuple[Picture | Sound, ...]]] = {
    "one frame a second": (
        "a.mp4",
        (replace(VIDEO, times=times(3, 1.0), rate=1), Sound(tone(48000, 3.0)[None])),
    ),
    "three tenths of a second": (
        "a.mp4",
        (replace(VIDEO, times=times(9, 30.0)), Sound(tone(48000, 0.3)[None])),
    ),
    "variable frame rate": (
        "a.mkv",
        (replace(VIDEO, times=[0, 0.02, 0.3, 0.31, 0.5, 0.9, 1.1]), VOICE),
    ),
    "portrait format": ("a.mp4", (replace(VIDEO, draw=person(256, 480, 240)), VOICE)),
    "huge": (
        "a.mp4",
        (replace(VIDEO, times=times(4, 3.0), rate=3, draw=person(3840, 2160, 1900)), VOICE),
    ),
    "a face that is larger than the picture's height": (
        "a.mp4",
        (replace(VIDEO, draw=person(480, 200, 240)), VOICE),
    ),
    "ten bits": ("a.mkv", (replace(RAW, pix_fmt="yuv420p10le"), VOICE)),
    "grey": ("a.mkv", (replace(RAW, pix_fmt="gray"), VOICE)),
    "full chroma": ("a.mkv", (replace(RAW, pix_fmt="yuv444p"), VOICE)),
    "motion jpeg": (
        "a.avi",
        (replace(VIDEO, codec="mjpeg", pix_fmt="yuvj420p", options={}), VOICE),
    ),
    "transport stream": ("a.ts", (VIDEO, VOICE)),
    "vp9 and opus": (
        "a.webm",
        (
            replace(VIDEO, codec="libvpx-vp9", options={"cpu-used": "8", "deadline": "realtime"}),
            replace(VOICE, codec="libopus"),
        ),
    ),
    "flash video": (
        "a.flv",
        (
            replace(VIDEO, codec="flv1", options={"qmax": "3"}, tick=Fraction(1, 25)),
            in_channels(1, 44100, "libmp3lame"),
        ),
    ),
    "5.1 at 96 kHz": ("a.mkv", (VIDEO, in_channels(6, 96000, "pcm_s16le"))),
    "stereo at 44.1 kHz": ("a.mp4", (VIDEO, in_channels(2, 44100, "aac"))),
    "8 kHz mu-law": ("a.avi", (VIDEO, in_channels(1, 8000, "pcm_mulaw"))),
    "the picture starts later": ("a.mkv", (replace(VIDEO, times=times(30, start=0.3)), VOICE)),
    "the sound starts later": ("a.mkv", (VIDEO, replace(VOICE, start=0.3))),
    "second streams": (
        "a.mkv",
        (
            replace(VIDEO, draw=lambda n: bars(n, 320, 256)),
            replace(VIDEO, is_default=True),
            Sound(np.zeros((1, 48000), np.float32)),
            replace(VOICE, is_default=True),
        ),
    ),
    "other letters and a long path": (
        "/".join(["данные 🙂 " + "x" * 80] * 3) + "/ä ö'\"&.mkv",
        (VIDEO, VOICE),
    ),
}


def entry_of(
    path: Path, extractors: dict[str, Extractor]
) -> tuple[dict[str, int], dict[str, Array]]:
    """Return how many windows have each modality, and the arrays; the clip must not be skipped."""
    clip = Clip("clip", Path(path.name))
    entry, arrays = make_entry(clip, path.parent, RandomWindows(WINDOWS), extractors)
    assert entry.status == "ok", entry.reason
    return {name: sum(present) for name, present in entry.present.items()}, arrays


@pytest.mark.parametrize("case", CASES)
def test_a_clip_has_a_face_and_a_sound_in_its_windows(
    case: str, tmp_path: Path, extractors: dict[str, Extractor]
) -> None:
    name, parts = CASES[case]
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    present, arrays = entry_of(write_media(path, *parts), extractors)
    assert present == {"audio": WINDOWS, "face": WINDOWS}
    # The tone of 440 Hz is heard: 550 mel, and bands are 29.9 mel apart from 31.7 mel on.
    assert set(arrays["audio"][:, 0, :, 30:60].mean(2).argmax(1)) == {16}
    assert arrays["face"].std((1, 2, 3)).min() > 20


def test_a_tenth_of_a_second_is_skipped_with_its_reason(
    tmp_path: Path, extractors: dict[str, Extractor]
) -> None:
    path = tmp_path / "a.mp4"
    write_media(path, replace(VIDEO, times=times(3, 30.0)), Sound(tone(48000, 0.1)[None]))
    clip = Clip("clip", Path(path.name))
    entry, _ = make_entry(clip, path.parent, RandomWindows(WINDOWS), extractors)
    assert entry.status == "skipped"
    assert "no sound in 6 of 6 windows; no video in 6 of 6 windows" in entry.reason


def test_a_turned_video_has_a_face(tmp_path: Path, extractors: dict[str, Extractor]) -> None:
    upright = person(256, 320, 240)
    lying = replace(VIDEO, draw=lambda n: np.ascontiguousarray(np.rot90(upright(n))))
    path = turn_clockwise(write_media(tmp_path / "a.mp4", lying, VOICE))
    assert entry_of(path, extractors)[0] == {"audio": WINDOWS, "face": WINDOWS}


def test_a_tiny_picture_has_no_face_but_its_sound_counts(
    tmp_path: Path, extractors: dict[str, Extractor]
) -> None:
    path = write_media(tmp_path / "a.mkv", replace(VIDEO, draw=person(32, 24, 20)), VOICE)
    assert entry_of(path, extractors)[0] == {"audio": WINDOWS, "face": 0}


def test_the_size_may_change_within_a_stream(
    tmp_path: Path, extractors: dict[str, Extractor]
) -> None:
    mpeg = replace(VIDEO, codec="mpeg2video", options={"qmax": "3"}, tick=Fraction(1, 25))
    first = write_media(tmp_path / "1.ts", mpeg)
    later = replace(mpeg, draw=person(640, 360, 300), times=times(30, start=1.2))
    second = write_media(tmp_path / "2.ts", later)
    path = tmp_path / "both.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    with av.open(str(path)) as container:
        assert len({(f.width, f.height) for f in container.decode(video=0)}) == 2
    frames = read_key_frames(probe(path), [0.1, 2.0])
    assert frames.images[0].shape == frames.images[1].shape
    assert entry_of(path, extractors)[0] == {"audio": 0, "face": WINDOWS}
