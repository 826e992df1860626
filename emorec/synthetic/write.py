"""Writes a planned clip as a real media file."""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import numpy as np

from emorec.synthetic.frames import FRAMES_PER_SECOND, count_frames, render_frames
from emorec.synthetic.phonation import SAMPLE_RATE
from emorec.synthetic.voice import speak

if TYPE_CHECKING:
    from pathlib import Path

    from av.audio.stream import AudioStream
    from av.video.stream import VideoStream

    from emorec.synthetic.plan import ClipPlan

_SAMPLES_PER_FRAME = SAMPLE_RATE // FRAMES_PER_SECOND
# Container: video codec and its options, audio codec and its options. Without "mbtree", because
# with it x264 gives other bits on every run; with "fast", because aac's usual search for the best
# coefficients takes almost as long as rendering the face.
_CODECS: dict[str, tuple[str, dict[str, str], str, dict[str, str]]] = {
    "mp4": (
        "libx264",
        {"crf": "20", "preset": "veryfast", "mbtree": "0"},
        "aac",
        {"aac_coder": "fast"},
    ),
    "avi": ("mpeg4", {"qmin": "2", "qmax": "4", "b": "2M"}, "pcm_s16le", {}),
}


def write_clip(plan: ClipPlan, path: Path) -> None:
    """Render a clip and write it, 25 frames per second with mono sound at 48 kHz.

    The file appears under its name only when it is complete; its folder must exist. What is
    written follows `plan.container`, whatever the suffix of `path`.

    Args:
        plan: The clip.
        path: The file to write; an existing one is replaced.

    Raises:
        ValueError: If the plan's container is unknown.
        UserError: If scikit-image is not installed.
    """
    if plan.container not in _CODECS:
        raise ValueError(f"container must be one of {sorted(_CODECS)}, got {plan.container!r}")
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _encode(plan, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _encode(plan: ClipPlan, path: Path) -> None:
    video_codec, video_options, audio_codec, audio_options = _CODECS[plan.container]
    count = count_frames(plan.seconds)
    sound, loudness = speak(plan, count * _SAMPLES_PER_FRAME)
    if not plan.lip_sync:
        # Other, neutral words: not even the speed of the lips may tell how the voice sounds.
        unheard = replace(plan, id=f"{plan.id}/lips", voice_shows=False)
        _, loudness = speak(unheard, len(sound))
    mouth = loudness.reshape(count, _SAMPLES_PER_FRAME).mean(axis=1)

    with av.open(str(path), "w", format=plan.container) as container:
        video = cast(
            "VideoStream",
            container.add_stream(video_codec, rate=FRAMES_PER_SECOND, options=video_options),
        )
        video.pix_fmt = "yuv420p"
        # Sets are written by many processes at once; one thread also fixes the very bits.
        video.codec_context.thread_count = 1
        audio = cast(
            "AudioStream",
            container.add_stream(
                audio_codec, rate=SAMPLE_RATE, layout="mono", options=audio_options
            ),
        )
        for i, rgb in enumerate(render_frames(plan, mouth)):
            if i == 0:
                video.height, video.width = rgb.shape[:2]
            picture = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            picture.pts, picture.time_base = i, Fraction(1, FRAMES_PER_SECOND)
            container.mux(video.encode(picture))

            part = slice(i * _SAMPLES_PER_FRAME, (i + 1) * _SAMPLES_PER_FRAME)
            samples = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(sound[part][None]), format="fltp", layout="mono"
            )
            samples.sample_rate = SAMPLE_RATE
            samples.pts, samples.time_base = part.start, Fraction(1, SAMPLE_RATE)
            container.mux(audio.encode(samples))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
