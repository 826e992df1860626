"""Writes a planned clip or recording as a real media file, and a recording's ratings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from emorec.synthetic.courses import affect
from emorec.synthetic.encode import encode, find_format
from emorec.synthetic.frames import (
    FRAMES_PER_SECOND,
    SAMPLES_PER_FRAME,
    count_frames,
    render_frames,
)
from emorec.synthetic.recorded_face import render_recording
from emorec.synthetic.recorded_voice import speak_course
from emorec.synthetic.recording import RecordingPlan
from emorec.synthetic.voice import speak
from emorec.system.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from emorec.synthetic.plan import ClipPlan


def write_clip(plan: ClipPlan, path: Path) -> None:
    """Render a clip and write it, 25 frames per second with mono sound at 48 kHz.

    The file appears under its name only when it is complete; its folder must exist. The format is
    `plan.container`, for any suffix of `path`.

    Args:
        plan: The clip.
        path: The file to write; an existing one is replaced.

    Raises:
        ValueError: If the plan's container is unknown.
        UserError: If scikit-image is not installed.
    """
    form = find_format(plan.container)
    count = count_frames(plan.seconds)
    sound, loudness = speak(plan, count * SAMPLES_PER_FRAME)
    if not plan.lip_sync:
        # Other, neutral words: not even the speed of the lips may reveal how the voice sounds.
        unheard = replace(plan, id=f"{plan.id}/lips", voice_shows=False)
        _, loudness = speak(unheard, len(sound))
    mouth = loudness.reshape(count, SAMPLES_PER_FRAME).mean(axis=1)
    encode(form, render_frames(plan, mouth), sound, path)


def write_recording(plan: RecordingPlan, path: Path, *, container: str = "mp4") -> None:
    """Render a recording and write it, 25 frames per second with mono sound at 48 kHz.

    The file appears under its name only when it is complete; its folder must exist. Frames are
    encoded as they are rendered; the whole sound is held in memory, 0.2 MB per second.

    Args:
        plan: The recording.
        path: The file to write; an existing one is replaced.
        container: "mp4" (h264 + aac) or "avi" (mpeg4 + pcm_s16le), for any suffix of `path`.

    Raises:
        ValueError: If the container is unknown.
        UserError: If scikit-image is not installed.
    """
    form = find_format(container)
    shown = affect(plan)
    sound = speak_course(plan, shown.voice, len(shown.voice) * SAMPLES_PER_FRAME)
    encode(form, render_recording(plan, shown.face), sound, path)


def write_trace(plan: RecordingPlan, path: Path, *, delay: float = 0.0) -> None:
    """Write a recording's gold standard as a table.

    The header is "time,arousal,valence". Each frame has a row: when it starts, in seconds, and
    the two ratings, -1..1, all with six decimals.

    Args:
        plan: The recording.
        path: The CSV file to write; an existing one is replaced, its folder must exist.
        delay: Seconds by which the ratings lag; the first one is repeated.
    """
    gold = affect(plan)
    lag = round(delay * FRAMES_PER_SECOND)
    late = [np.concatenate([x[:1].repeat(lag), x])[: len(x)] for x in (gold.arousal, gold.valence)]
    rows = enumerate(zip(*late, strict=True))
    lines = [
        f"{i / FRAMES_PER_SECOND:.6f},{arousal:.6f},{valence:.6f}\n"
        for i, (arousal, valence) in rows
    ]
    write_text(path, "".join(["time,arousal,valence\n", *lines]))
