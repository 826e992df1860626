"""Encodes frames and sound as a media file."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, cast

import av
import numpy as np

from emorec.synthetic.frames import FRAMES_PER_SECOND, SAMPLES_PER_FRAME
from emorec.synthetic.phonation import SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from av.audio.stream import AudioStream
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from emorec.synthetic.portrait import Image


class Format(NamedTuple):
    """A container and how its streams are encoded, by FFmpeg's names."""

    container: str
    video: str
    video_options: dict[str, str]
    audio: str
    audio_options: dict[str, str]


# Without "mbtree", because with it x264 gives other bits on every run; with "fast", because aac's
# usual search for the best coefficients takes almost as long as rendering the face.
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
    """Encode frames and sound as they come; no more than a few frames are held.

    Args:
        form: The format.
        frames: n RGB frames, uint8 (height, width, 3), 25 a second; taken one by one.
        sound: Mono sound at 48 kHz, float32 (n * 1920,), -1..1.
        path: The file to write, whatever its suffix.
    """
    with av.open(str(path), "w", format=form.container) as container:
        video = cast(
            "VideoStream",
            container.add_stream(form.video, rate=FRAMES_PER_SECOND, options=form.video_options),
        )
        video.pix_fmt = "yuv420p"
        # Sets are written by many processes at once; one thread also fixes the very bits.
        video.codec_context.thread_count = 1
        audio = cast(
            "AudioStream",
            container.add_stream(
                form.audio, rate=SAMPLE_RATE, layout="mono", options=form.audio_options
            ),
        )
        for i, rgb in enumerate(frames):
            if i == 0:
                video.height, video.width = rgb.shape[:2]
            picture = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            picture.pts, picture.time_base = i, Fraction(1, FRAMES_PER_SECOND)
            container.mux(video.encode(picture))

            part = slice(i * SAMPLES_PER_FRAME, (i + 1) * SAMPLES_PER_FRAME)
            samples = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(sound[part][None]), format="fltp", layout="mono"
            )
            samples.sample_rate = SAMPLE_RATE
            samples.pts, samples.time_base = part.start, Fraction(1, SAMPLE_RATE)
            container.mux(audio.encode(samples))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
