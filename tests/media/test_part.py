"""Clips that are a part of a longer file: the same frames and samples as in the whole one."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from emorec.media import MediaError, probe, read_key_frames, read_windows
from emorec.types import Window
from tests.helpers.media_files import (
    Picture,
    Sound,
    read_bars,
    times,
    tone,
    write_media,
    write_sound,
)

RATE = 16000


@pytest.fixture(scope="module", params=["mp4", "mkv", "avi"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return 60 s of 4 numbered frames a second, with a sound of rising loudness."""
    codec = "mpeg4" if request.param == "avi" else "libx264"
    options = {"g": "20"} if request.param == "avi" else {"preset": "ultrafast", "g": "20"}
    picture = Picture(times(240, 4), 4, codec, tick=Fraction(1, 4), options=options)
    voice = tone(RATE, 60) * np.linspace(0, 1, 60 * RATE, dtype=np.float32)
    sound = Sound(voice[None], RATE, "pcm_s16le" if request.param == "avi" else "aac")
    target = tmp_path_factory.mktemp("part") / f"long.{request.param}"
    return write_media(target, picture, sound)


@pytest.mark.parametrize("start", [5.0, 45.0])  # near, and where decoding starts by seeking
def test_key_frames_of_a_part_are_those_of_the_file(path: Path, start: float) -> None:
    whole = probe(path)
    part = whole.part(start, start + 10)
    at = [0.1, 3.3, 9.9]
    frames = read_key_frames(part, at)
    expected = read_key_frames(whole, [0.1, *(start + t for t in at)])
    assert [read_bars(frames.images[i]) for i in frames.of] == [
        read_bars(expected.images[i]) for i in expected.of[1:]
    ]
    assert [read_bars(frames.images[i]) for i in frames.of] == [
        int(4 * (start + t) + 0.01) for t in at
    ]


def test_sound_of_a_part_is_that_of_the_file(path: Path) -> None:
    whole = probe(path)
    part = whole.part(45.0, 50.0)
    found, _ = read_windows(part, [Window(0.0, 0.5), Window(2.0, 2.5)], RATE)
    wanted, _ = read_windows(whole, [Window(45.0, 45.5), Window(47.0, 47.5)], RATE)
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_sound_of_a_part_of_a_sound_file(tmp_path: Path) -> None:
    media = probe(write_sound(tmp_path / "a.wav", tone(RATE, 10, 3.1)[None], RATE))
    found, _ = read_windows(media.part(4.0, 6.0), [Window(0.5, 1.0)], RATE)
    wanted, _ = read_windows(media, [Window(4.5, 5.0)], RATE)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_a_part_has_the_spans_of_its_streams(tmp_path: Path) -> None:
    late = Sound(tone(RATE, 2)[None], RATE, start=3.0)
    media = probe(write_media(tmp_path / "a.mkv", Picture(times(100)), late)).part(2.0, 9.0)
    assert media.audio is not None
    assert media.video is not None
    assert media.duration == pytest.approx(3, abs=0.1)  # the file ends after 5 s
    assert media.audio.start == pytest.approx(1, abs=0.05)
    assert media.video.start == 0.0
    assert media.video.end == pytest.approx(2, abs=0.05)
    assert media.part(0.0, 0.5).audio is None


def test_a_part_beyond_the_end_is_an_error(tmp_path: Path) -> None:
    media = probe(write_sound(tmp_path / "a.wav", tone(RATE, 2)[None], RATE))
    with pytest.raises(MediaError, match=r"no such part \(from 3 s on: the file lasts 2\.00 s\)"):
        media.part(3.0, 4.0)
