"""A synthetic voice: who speaks, in which syllables, and with which emotion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emorec.synthetic.draws import spread, stable_rng, subject_position
from emorec.synthetic.phonation import SAMPLE_RATE, envelope, fold_sound, hiss
from emorec.synthetic.plan import ClipPlan
from emorec.synthetic.prosody import EMOTION_PROSODY
from emorec.synthetic.syllables import articulate, lay_syllables

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "LEVEL",
    "SAMPLE_RATE",
    "SYLLABLES_PER_SECOND",
    "Voice",
    "draw_voice",
    "speak",
]

SYLLABLES_PER_SECOND = 4.2
LEVEL = 0.05
"""RMS of the average neutral voice."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One subject's voice.

    Attributes:
        pitch: Mean f0 of neutral speech, Hz.
        tract: Factor of the resonances; above 1 for a short vocal tract.
        timbre: Cut-off of the glottal spectrum, octaves from the average.
        gain: Loudness, dB from the average.
        habit: Syllables per second, octaves from the average.
    """

    pitch: float
    tract: float
    timbre: float
    gain: float
    habit: float


def draw_voice(seed: int, subject: str, identity: float = 1.0) -> Voice:
    """Draw the voice of a subject; it depends only on the arguments.

    Args:
        seed: The seed of the set.
        subject: "s" and the subject's number, such as "s03".
        identity: Scale of the differences from the average voice, 0..2.
    """
    pitch = 105.0 * 2.2 ** spread(subject_position(seed, subject, "pitch"), 0.5, identity)
    rng = stable_rng(seed, subject, "voice")
    # High voices mostly come from short vocal tracts.
    size = 0.92 + 0.2 * np.log(pitch / 105) / np.log(2.2)
    return Voice(
        pitch=pitch,
        tract=float(size + identity * rng.uniform(-0.04, 0.04)),
        timbre=identity * rng.uniform(-0.3, 0.3),
        gain=identity * rng.uniform(-1.5, 1.5),
        habit=identity * rng.uniform(-0.1, 0.1),
    )


def speak(plan: ClipPlan, samples: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Synthesise a clip's voice.

    Args:
        plan: The clip.
        samples: Length of the sound, at 48 kHz.

    Returns:
        The sound, mono float32 (samples,), RMS about 0.02..0.15, within -0.95..0.95; and the
        loudness of its syllables, float32 (samples,), 0..1, for the mouth to follow.
    """
    voice = draw_voice(plan.seed, plan.subject, plan.identity)
    rng = stable_rng(plan.seed, plan.id, "voice")
    emotion = plan.emotion if plan.voice_shows else "neutral"
    mood = EMOTION_PROSODY[emotion].scaled(rng.uniform(0.7, 1.25) * plan.voice_intensity)
    rate = SYLLABLES_PER_SECOND * 2 ** (mood.rate + voice.habit + rng.normal(0, 0.1))
    syllables = lay_syllables(rng, samples, lambda _: rate)

    place = np.linspace(-0.5, 0.5, len(syllables)) if len(syllables) > 1 else np.zeros(1)
    accents = np.array([syllable.accent for syllable in syllables])
    knots = mood.pitch + rng.normal(0, 0.8) + max(1.5 + mood.span, 0.4) * accents
    knots += (mood.slope - 1.5) * place
    centres = np.array([(syllable.start + syllable.stop) / 2 for syllable in syllables])
    times = np.arange(samples)
    tones = np.interp(times, centres, knots)
    tremble = np.sin(2 * np.pi * rng.uniform(6, 8) * times / SAMPLE_RATE) * max(mood.tremor, 0.0)
    f0 = voice.pitch * 2 ** ((tones + 0.8 * tremble) / 12)

    cutoff = 1300 * 2 ** (mood.bright + voice.timbre + rng.normal(0, 0.15))
    breath = float(np.clip(0.06 + mood.breath, 0, 0.8))
    source = fold_sound(rng, f0, cutoff, breath, float(np.clip(mood.rough, 0, 0.95)))
    source *= 1 + 0.3 * tremble
    noise = hiss(rng, samples, voice.tract)

    sound, loudness = np.zeros(samples), np.zeros(samples)
    for syllable in syllables:
        span = slice(syllable.start, syllable.stop)
        sound[span] = articulate(syllable, source[span], noise[span], voice.tract)
        loudness[span] = envelope(syllable.stop - syllable.start)
    level = LEVEL * 10 ** ((mood.loud + voice.gain + rng.normal(0, 1.0)) / 20)
    sound *= level / (np.sqrt(np.mean(sound**2)) + 1e-9)
    sound += 0.0006 * rng.standard_normal(samples)
    sound = 0.94 * np.tanh(sound / 0.94)
    return sound.astype(np.float32), loudness.astype(np.float32)
