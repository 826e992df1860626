"""The face of a recording: an expression that follows a course."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emorec.synthetic.courses import displayed
from emorec.synthetic.draws import stable_rng
from emorec.synthetic.expression import EMOTION_UNITS, Units, blinks, pull
from emorec.synthetic.frames import FRAMES_PER_SECOND, SAMPLES_PER_FRAME, render_units
from emorec.synthetic.phonation import envelope
from emorec.synthetic.recording import RecordingPlan
from emorec.synthetic.syllables import lay_syllables
from emorec.synthetic.voice import SYLLABLES_PER_SECOND, draw_voice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from emorec.synthetic.portrait import Image

# What displayed courses of 1 and -1 do to the face. Sadness without its lids (7): raised cheeks
# narrow the eyes as well.
_STRENGTH = 1.3
_PLEASED = EMOTION_UNITS["happiness"]
_DISPLEASED = {unit: EMOTION_UNITS["sadness"][unit] for unit in (1, 4, 15, 17)}


def talk_unheard(plan: RecordingPlan, count: int) -> NDArray[np.float32]:
    """Draw the loudness of inaudible neutral words, for the lips to follow.

    Lips that followed the voice would show its arousal, at least by their speed.

    Args:
        plan: The recording.
        count: Number of frames.

    Returns:
        Mean loudness within each frame, 0..1, float32 (count,).
    """
    rate = SYLLABLES_PER_SECOND * 2 ** draw_voice(plan.seed, plan.subject, plan.identity).habit
    rng = stable_rng(plan.seed, plan.id, "lips")
    mouth = np.zeros(count)
    for syllable in lay_syllables(rng, count * SAMPLES_PER_FRAME, lambda _: rate):
        frames = np.arange(syllable.start, syllable.stop) // SAMPLES_PER_FRAME
        sums = np.bincount(frames - frames[0], envelope(len(frames)))
        mouth[frames[0] : frames[-1] + 1] += sums / SAMPLES_PER_FRAME
    return mouth.astype(np.float32)


def express_course(
    plan: RecordingPlan,
    shown: NDArray[np.float64],
    times: NDArray[np.float64],
    rng: np.random.Generator,
) -> Iterator[Units]:
    """Turn a course into action units: a smile above 0, a sad face below.

    Args:
        plan: The recording.
        shown: What the face shows at each frame, `affect(plan).face`, float64 (n,); it is scaled
            and limited by `displayed`.
        times: Seconds of each frame, float64 (n,).
        rng: Source of the times of the blinks.

    Yields:
        The units of each frame, n of them: the expression, which follows the course exactly, on
        top of the subject's resting face, and with talking lips and blinks.
    """
    # Nobody's resting face is exactly neutral, except at identity 0.
    resting = stable_rng(plan.seed, plan.subject, "rest")
    rest = {
        unit: plan.identity * float(max(resting.normal(0, 0.12), 0))
        for unit in (1, 2, 4, 7, 12, 15, 20)
    }
    course = _STRENGTH * displayed(shown, plan.face_noise)
    mouths = talk_unheard(plan, len(course))
    for now, mouth, lid in zip(course, mouths, blinks(rng, times), strict=True):
        units = _PLEASED if now > 0 else _DISPLEASED
        yield pull(rest, units, abs(float(now)), float(mouth), float(lid))


def render_recording(plan: RecordingPlan, shown: NDArray[np.float64]) -> Iterator[Image]:
    """Render a recording frame by frame; only the current frame is held in memory.

    Args:
        plan: The recording.
        shown: What the face shows at each frame, `affect(plan).face`, float64 (n,); it is scaled
            and limited by `displayed`.

    Yields:
        n RGB frames, uint8 (256, 288 or 320, 3), of one width per recording.

    Raises:
        UserError: If scikit-image is not installed.
    """
    times = np.arange(len(shown)) / FRAMES_PER_SECOND
    blinking = stable_rng(plan.seed, plan.id, "blinks")
    course = express_course(plan, shown, times, blinking)
    yield from render_units(plan, course, times, stable_rng(plan.seed, plan.id, "face"))
