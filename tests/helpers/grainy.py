"""A clip as cameras make them: large and grainy."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from emorec.synthetic import plan_clips
from emorec.synthetic.frames import render_frames
from tests.helpers.media_files import Image

SECONDS, RATE = 3.7, 48000
# Name: container, size, frames a second, codec, bits a second, audio codec.
FORMATS: dict[str, tuple[str, tuple[int, int], int, str, int, str]] = {
    "720p h264, 9 Mbit/s": ("mp4", (1280, 720), 30, "libx264", 9_000_000, "aac"),
    "576p mpeg4 avi": ("avi", (720, 576), 25, "mpeg4", 4_000_000, "pcm_s16le"),
}


def write_clip(path: Path, form: str) -> Path:
    """Write one synthetic person in the middle of a larger, grainy picture."""
    _, size, rate, codec, bits, sound_codec = FORMATS[form]
    plan = plan_clips(subjects=1, takes=1, seconds=(SECONDS, SECONDS))[0]
    count = round(SECONDS * rate)
    random = np.random.default_rng(0)
    grain = random.normal(0, 4, (size[1] + 64, size[0] + 64, 3)).astype(np.int16)
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(codec, rate=rate)
        video.width, video.height, video.bit_rate = *size, bits
        video.pix_fmt = "yuv420p"
        audio: Any = container.add_stream(sound_codec, rate=RATE, layout="stereo")
        for i, face in enumerate(render_frames(plan, random.random(count).astype(np.float32))):
            container.mux(video.encode(_frame(face, size, grain, random, i, rate)))
        tone = (8000 * random.normal(size=(1, 2 * round(SECONDS * RATE)))).astype(np.int16)
        block = av.AudioFrame.from_ndarray(tone, format="s16", layout="stereo")
        block.sample_rate = RATE
        container.mux(audio.encode(block))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


def _frame(
    face: Image,
    size: tuple[int, int],
    grain: np.ndarray[Any, Any],
    random: np.random.Generator,
    number: int,
    rate: int,
) -> av.VideoFrame:
    scale = size[1] / face.shape[0]
    person = cv2.resize(face, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    room = size[0] - person.shape[1]
    whole = cv2.copyMakeBorder(person, 0, 0, room // 2, room - room // 2, cv2.BORDER_REPLICATE)
    y, x = random.integers(0, 64, 2)
    noisy = whole.astype(np.int16) + grain[y : y + size[1], x : x + size[0]]
    frame = av.VideoFrame.from_ndarray(np.clip(noisy, 0, 255).astype(np.uint8), format="rgb24")
    frame.pts, frame.time_base = number, Fraction(1, rate)
    return frame


def decode(path: Path) -> int:
    """Decode the picture, frame after frame, and convert none."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        return sum(1 for _ in container.decode(stream))
