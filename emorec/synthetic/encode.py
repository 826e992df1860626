"""Encodes frames and sound as a media file."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from emorec.media import open_writer
from emorec.synthetic.frames import FRAMES_PER_SECOND, SAMPLES_PER_FRAME
from emorec.synthetic.phonation import SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from emorec.synthetic.portrait import Image


class Format(NamedTuple):
    """A container and how its streams are encoded, by FFmpeg's names."""

    container: str
    video: str
    video_options: dict[str, str]
    audio: str
    audio_options: dict[str, str]


# Without "mbtree", with which x264's output differs on every run; with "fast", as aac's default
# search for the best coefficients takes almost as long as rendering the face.
_H264 = {"crf": "20", "preset": "veryfast", "mbtree": "0"}
_MPEG4 = {"qmin": "2", "qmax": "4", "b": "2M"}
_FORMATS = {
    "mp4": Format("mp4", "libx264", _H264, "aac", {"aac_coder": "fast"}),
    "avi": Format("avi", "mpeg4", _MPEG4, "pcm_s16le", {}),
}


def find_format(container: str) -> Format:
    """Look up a format.

    Args:
        container: "mp4" (h264 + aac) or "avi" (mpeg4 + pcm_s16le).

    Raises:
        ValueError: If the container is unknown.
    """
    if container not in _FORMATS:
        raise ValueError(f"container must be one of {sorted(_FORMATS)}, got {container!r}")
    return _FORMATS[container]


def encode(form: Format, frames: Iterable[Image], sound: NDArray[np.float32], path: Path) -> None:
    """Encode frames and sound as they come; only a few frames are held in memory.

    The file appears under its name only when it is complete.

    Args:
        form: The format.
        frames: n > 0 RGB frames, uint8 (height, width, 3), 25 a second; taken one by one.
        sound: Mono sound at 48 kHz, float32 (n * 1920,), -1..1.
        path: The file to write, with any suffix.
    """
    frames = iter(frames)
    first = next(frames)
    height, width = first.shape[:2]
    tick = Fraction(1, FRAMES_PER_SECOND)
    with open_writer(path, form.container) as writer:
        # Sets are written by many processes at once; one thread also makes the output reproducible.
        pictures = writer.add_pictures(
            form.video,
            (width, height),
            tick,
            options=form.video_options,
            rate=FRAMES_PER_SECOND,
            threads=1,
        )
        heard = writer.add_sound(form.audio, SAMPLE_RATE, options=form.audio_options)
        for i, rgb in enumerate(chain([first], frames)):
            pictures.add(rgb, i)
            start = i * SAMPLES_PER_FRAME
            heard.add(sound[start : start + SAMPLES_PER_FRAME], start)
        pictures.end()
        heard.end()
