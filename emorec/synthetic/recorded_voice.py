"""The voice of a recording: speech that follows a course."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emorec.synthetic.courses import displayed
from emorec.synthetic.draws import stable_rng
from emorec.synthetic.frames import SAMPLES_PER_FRAME
from emorec.synthetic.phonation import fold_sound, hiss
from emorec.synthetic.prosody import Prosody
from emorec.synthetic.recording import RecordingPlan
from emorec.synthetic.syllables import articulate, lay_syllables
from emorec.synthetic.voice import LEVEL, SYLLABLES_PER_SECOND, draw_voice

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What a displayed course of 1 does to the voice; -1 does the opposite. Excited voices are higher,
# louder, faster and brighter (Scherer).
_AROUSED = Prosody(pitch=6, loud=8, rate=0.35, bright=1)
_ACCENT = 1.0
_BREATH = 0.06


def _read(course: NDArray[np.float64], start: int, stop: int) -> NDArray[np.float64]:
    """Interpolate a course of frames at samples start..stop - 1, float64 (stop - start,)."""
    first = min(start // SAMPLES_PER_FRAME, len(course) - 1)
    part = course[first : stop // SAMPLES_PER_FRAME + 2]
    places = np.arange(start, stop) / SAMPLES_PER_FRAME - first
    return np.interp(places, np.arange(len(part)), part)


def speak_course(
    plan: RecordingPlan, shown: NDArray[np.float64], samples: int
) -> NDArray[np.float32]:
    """Synthesise a recording's voice, syllable by syllable.

    Pitch and loudness follow the course from sample to sample, the rate of the syllables and
    the brightness of their sound from syllable to syllable. Apart from that, syllables differ in
    vowel, consonant and stress; the recordings of a subject differ in nothing else.

    Args:
        plan: The recording.
        shown: What the voice shows at each frame, `affect(plan).voice`, float64 (frames,); it is
            scaled and limited by `displayed`.
        samples: Length of the sound at 48 kHz, at most frames * 1920.

    Returns:
        The sound, mono float32 (samples,), within -0.95..0.95; RMS about 0.01..0.15, depending
        on what it shows.

    Raises:
        ValueError: If the course is shorter than the sound.
        UserError: If scipy is not installed.
    """
    if samples > len(shown) * SAMPLES_PER_FRAME:
        raise ValueError(
            f"{samples} samples need {samples / SAMPLES_PER_FRAME:.1f} frames, got {len(shown)}"
        )
    voice = draw_voice(plan.seed, plan.subject, plan.identity)
    course = displayed(shown, plan.voice_noise)

    def rate(at: int) -> float:
        octaves = _AROUSED.rate * course[at // SAMPLES_PER_FRAME] + voice.habit
        return float(SYLLABLES_PER_SECOND * 2**octaves)

    syllables = lay_syllables(stable_rng(plan.seed, plan.id, "words"), samples, rate)
    centres = np.array([(syllable.start + syllable.stop) / 2 for syllable in syllables])
    accents = np.array([syllable.accent for syllable in syllables])

    rng = stable_rng(plan.seed, plan.id, "voice")
    sound = rng.standard_normal(samples, dtype=np.float32)
    sound *= 0.0006
    for i, syllable in enumerate(syllables):
        start, stop = syllable.start, syllable.stop
        now = _read(course, start, stop)
        near = slice(max(i - 1, 0), i + 2)
        stress = np.interp(np.arange(start, stop), centres[near], accents[near])
        f0 = voice.pitch * 2 ** ((_AROUSED.pitch * now + _ACCENT * stress) / 12)
        cutoff = 1300 * 2 ** (_AROUSED.bright * float(now.mean()) + voice.timbre)
        # Every syllable rises from silence, so its pulses may start from phase 0.
        source = fold_sound(rng, f0, cutoff, _BREATH, 0.0)
        noise = hiss(rng, stop - start, voice.tract)
        level = LEVEL * 10 ** ((_AROUSED.loud * now + voice.gain) / 20)
        sound[start:stop] += level * articulate(syllable, source, noise, voice.tract)
    sound /= 0.94
    np.tanh(sound, out=sound)
    sound *= 0.94
    return sound
