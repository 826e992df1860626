"""Renders frames from action units: the subject's face, its expression and a moving head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from emorec.synthetic.draws import stable_rng
from emorec.synthetic.expression import BLINK, Units, express, slow_wave
from emorec.synthetic.features import X0, X1, Y0, Y1, paint
from emorec.synthetic.flesh import Flesh
from emorec.synthetic.looks import Look, draw_background, draw_look, dress
from emorec.synthetic.phonation import SAMPLE_RATE
from emorec.synthetic.plan import ClipPlan
from emorec.synthetic.portrait import NOSE, ZOOM, Image, to_canvas

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from emorec.synthetic.recording import RecordingPlan

FRAMES_PER_SECOND = 25
SAMPLES_PER_FRAME = SAMPLE_RATE // FRAMES_PER_SECOND
HEIGHT = 256
_WIDTHS = (288, 320)


def count_frames(seconds: float) -> int:
    """Return the number of frames of a clip of this length, at least 1."""
    return max(round(seconds * FRAMES_PER_SECOND), 1)


def _pose(
    look: Look, turn: float, scale: float, centre: tuple[float, float]
) -> NDArray[np.float64]:
    """Return the 2x3 matrix from the canvas to the frame; `turn` in degrees."""
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    size = look.size * scale / ZOOM
    stretch = np.diag([look.width * (-1 if look.mirrored else 1), look.height]) * size
    linear = np.array([[cos, -sin], [sin, cos]]) @ stretch
    offset = np.array(centre) - linear @ to_canvas(NOSE)
    return np.column_stack([linear, offset])


def render_frames(plan: ClipPlan, speech: NDArray[np.float32]) -> Iterator[Image]:
    """Render a clip frame by frame.

    Args:
        plan: The clip.
        speech: Loudness of the voice at each frame, 0..1, float32 (n,); opens the mouth.

    Yields:
        n RGB frames, uint8 (256, 288 or 320, 3), of one width per clip.
    """
    rng = stable_rng(plan.seed, plan.id, "face")
    times = np.arange(len(speech)) / FRAMES_PER_SECOND
    emotion = plan.emotion if plan.face_shows else "neutral"
    course = express(emotion, speech, times, rng, plan.face_intensity)
    yield from render_units(plan, course, times, rng)


def render_units(
    plan: ClipPlan | RecordingPlan,
    course: Iterable[Units],
    times: NDArray[np.float64],
    rng: np.random.Generator,
) -> Iterator[Image]:
    """Render a course of action units, one frame at a time.

    Args:
        plan: Who is seen.
        course: The units of each frame, n of them; taken one by one.
        times: Seconds of each frame, float64 (n,).
        rng: Source of light, grain and head movements.

    Yields:
        n RGB frames, uint8 (256, 288 or 320, 3), of one width.
    """
    look = draw_look(plan.seed, plan.subject, plan.identity)
    width = int(rng.choice(_WIDTHS))
    wall = draw_background(plan.seed, plan.subject, (width, HEIGHT), plan.identity)
    light = rng.uniform(0.88, 1.08)
    # One noise picture, shifted at random for every frame, is as good as new noise and far cheaper.
    grey = rng.normal(128, 2.0, (HEIGHT + 64, width + 64)).round().astype(np.uint8)
    grain = cv2.merge([grey, grey, grey])
    shifts = rng.integers(0, 64, (len(times), 2))
    x = width / 2 + rng.uniform(-14, 14) + 5 * slow_wave(rng, times)
    y = HEIGHT * 0.53 + rng.uniform(-6, 6) + 4 * slow_wave(rng, times)
    turn = rng.uniform(-4, 4) + 4 * slow_wave(rng, times)
    scale = rng.uniform(0.95, 1.05) * (1 + 0.03 * slow_wave(rng, times))

    opened, closed = dress(look)
    flesh = Flesh(look)
    canvas = opened.copy()
    region = (slice(Y0, Y1), slice(X0, X1))
    for i, units in enumerate(course):
        lid = units[BLINK]
        blend = cv2.addWeighted(opened[region], 1 - lid, closed[region], lid, 0)
        face = np.asarray(blend, dtype=np.uint8)
        paint(face, look, units)
        canvas[region] = flesh.move(face, units)
        pose = _pose(look, turn[i], scale[i], (x[i], y[i]))
        person = cv2.warpAffine(canvas, pose, (width, HEIGHT), borderMode=cv2.BORDER_CONSTANT)
        rgb = cv2.cvtColor(person, cv2.COLOR_RGBA2RGB)
        opacity = cv2.extractChannel(person, 3) * np.float32(1 / 255)
        frame = cv2.blendLinear(rgb, wall, opacity, 1 - opacity)
        top, left = shifts[i]
        noise = grain[top : top + HEIGHT, left : left + width]
        lit = cv2.addWeighted(frame, light, noise, 1.0, -128.0)
        yield np.asarray(lit, dtype=np.uint8)
