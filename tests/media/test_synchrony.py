"""A clip that flashes and beeps at one moment does so in what is read of it."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from emorec.media import probe, read_key_frames, read_windows
from emorec.types import Window
from tests.helpers.media_files import Image, Picture, Sound, beep, times, write_media

RATE, AT, SECONDS = 48000, 1.0, 2.0
HALF_A_FRAME, HOP = 0.02, 256 / RATE
VARIABLE = [0.0, 0.04, 0.3, 0.32, 0.7, 0.99, 1.0, 1.02, 1.05, 1.3, 1.9]


def flashing(stamps: list[float]) -> Picture:
    """Return frames at the given times, white from the moment on."""

    def draw(number: int) -> Image:
        level = 235 if stamps[number] >= AT - 1e-9 else 20
        return np.full((96, 128, 3), level, np.uint8)

    return Picture(stamps, draw=draw)


def beeping(start: float = 0.0, codec: str = "aac", rate: int = RATE) -> Sound:
    """Return sound from a start on, silent but for a beep at the moment."""
    return Sound(beep(rate, SECONDS - start, AT - start)[None], rate, codec, start)


STEADY = flashing(times(50))
CASES: dict[str, tuple[str, Picture, Sound]] = {
    "mp4, aac with priming": ("a.mp4", STEADY, beeping()),
    "mov": ("a.mov", STEADY, beeping()),
    "mkv, pcm": ("a.mkv", STEADY, beeping(codec="pcm_s16le")),
    "avi, mpeg4 and pcm": (
        "a.avi",
        replace(STEADY, codec="mpeg4", options={}, tick=Fraction(1, 25)),
        beeping(codec="pcm_s16le", rate=44100),
    ),
    "transport stream, which starts at 1.4 s": ("a.ts", STEADY, beeping()),
    "webm, opus with pre-skip": (
        "a.webm",
        replace(STEADY, codec="libvpx-vp9", options={"cpu-used": "8", "deadline": "realtime"}),
        beeping(codec="libopus"),
    ),
    "flv, mp3": (
        "a.flv",
        replace(STEADY, codec="flv1", options={}, tick=Fraction(1, 25)),
        beeping(codec="libmp3lame", rate=44100),
    ),
    "mpeg program stream": (
        "a.mpg",
        replace(STEADY, codec="mpeg2video", options={}, tick=Fraction(1, 25)),
        beeping(codec="mp2"),
    ),
    "sound 0.3 s late": ("a.mkv", STEADY, beeping(0.3)),
    "sound 0.3 s late, mp4": ("a.mp4", STEADY, beeping(0.3)),
    "picture 0.4 s late": ("a.mkv", flashing(times(40, start=0.4)), beeping()),
    "picture 0.4 s late, mp4": ("a.mp4", flashing(times(40, start=0.4)), beeping()),
    "both late": ("a.mkv", flashing(times(40, start=0.4)), beeping(0.6)),
    "variable frame rate": ("a.mp4", flashing(VARIABLE), beeping()),
    "variable frame rate, mkv": ("a.mkv", flashing(VARIABLE), beeping(0.1)),
}


@pytest.mark.parametrize("case", CASES)
def test_flash_and_beep_come_together(case: str, tmp_path: Path) -> None:
    name, picture, sound = CASES[case]
    media = probe(write_media(tmp_path / name, picture, sound))
    grid = np.arange(0, media.duration, 0.002)
    frames = read_key_frames(media, grid.tolist())
    white = [float(frames.images[i].mean()) > 128 for i in frames.of]
    flash = grid[white.index(True)]
    (samples,), _ = read_windows(media, [Window(0.0, media.duration)], RATE)
    heard = np.flatnonzero(abs(samples) > 0.1)[0] / RATE
    assert abs(flash - heard) < HALF_A_FRAME + HOP
    # On the common clock both are where the earlier of the two streams puts them.
    start = min(picture.times[0], sound.start)
    assert abs(heard - (AT - start)) < HALF_A_FRAME + HOP
