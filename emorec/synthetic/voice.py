"""A made-up voice: glottal pulses and noise, shaped by formants, spoken with an emotion."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from emorec.errors import UserError
from emorec.synthetic.plan import ClipPlan, stable_rng, subject_position

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_RATE = 48000
_SYLLABLES_PER_SECOND = 4.2
_LEVEL = 0.05
# First three formants in Hz of a, e, i, o, u for an adult of average size.
_VOWELS = (
    (780, 1250, 2550),
    (480, 1900, 2600),
    (300, 2250, 3000),
    (480, 880, 2500),
    (330, 800, 2300),
)
_BANDWIDTHS = (90, 120, 180, 250)


@dataclass(frozen=True, slots=True)
class Prosody:
    """How an emotion changes the voice, as differences from the neutral voice.

    Attributes:
        pitch: Mean f0, semitones.
        span: Pitch accents of single syllables, semitones.
        slope: Rise of f0 from the first to the last syllable, semitones.
        loud: Energy, dB.
        rate: Syllables per second, octaves.
        bright: Cut-off of the glottal spectrum, octaves.
        breath: Share of noise in the source, 0..1.
        tremor: Depth of the 7 Hz trembling, 0..1.
        rough: Depth of the irregular pulses of a creaky or harsh voice, 0..1.
    """

    pitch: float = 0.0
    span: float = 0.0
    slope: float = 0.0
    loud: float = 0.0
    rate: float = 0.0
    bright: float = 0.0
    breath: float = 0.0
    tremor: float = 0.0
    rough: float = 0.0

    def scaled(self, strength: float) -> Prosody:
        """Give the same change, `strength` times as large."""
        return Prosody(*(strength * float(getattr(self, field.name)) for field in fields(self)))


# Directions as in Scherer's reviews of vocal affect; sizes by ear and by a linear probe.
EMOTION_PROSODY = {
    "anger": Prosody(pitch=3, span=1.5, slope=-1, loud=5, rate=0.2, bright=0.9, rough=0.45),
    "disgust": Prosody(pitch=-2, span=0.5, slope=-3, loud=-1, rate=-0.35, bright=-0.2, rough=0.75),
    "fear": Prosody(pitch=5, slope=1, loud=-2, rate=0.45, bright=0.2, breath=0.35, tremor=0.9),
    "happiness": Prosody(pitch=4, span=3.5, slope=1, loud=3, rate=0.15, bright=0.5),
    "sadness": Prosody(pitch=-2, span=-1, slope=-1, loud=-6, rate=-0.45, bright=-0.8, breath=0.4),
    "surprise": Prosody(pitch=6, span=1, slope=8, loud=1.5, rate=-0.1, bright=0.3, breath=0.1),
    "neutral": Prosody(),
}


@dataclass(frozen=True, slots=True)
class _Syllable:
    start: int
    stop: int
    vowel: int
    consonant: bool
    accent: float


def _speak(rng: np.random.Generator, samples: int, rate: float) -> list[_Syllable]:
    """Lay syllables over the clip; pauses stay short so that half a second is never silent."""
    syllables = []
    at = int(rng.uniform(0.01, 0.05) * SAMPLE_RATE)
    while at < samples:
        length = int(SAMPLE_RATE / rate * rng.uniform(0.75, 1.25))
        syllables.append(
            _Syllable(
                start=at,
                stop=min(at + length, samples),
                vowel=int(rng.integers(len(_VOWELS))),
                consonant=bool(rng.random() < 0.6),
                accent=float(rng.uniform(-1, 1)),
            )
        )
        at += length + (int(rng.uniform(0.06, 0.12) * SAMPLE_RATE) if rng.random() < 0.12 else 0)
    return syllables


def _wander(rng: np.random.Generator, samples: int, hertz: float) -> NDArray[np.float64]:
    """Draw noise of unit size that changes about `hertz` times a second, float64 (n,)."""
    knots = rng.standard_normal(int(samples / SAMPLE_RATE * hertz) + 2)
    return np.interp(np.arange(samples) * hertz / SAMPLE_RATE, np.arange(len(knots)), knots)


def _source(
    rng: np.random.Generator, f0: NDArray[np.float64], cutoff: float, breath: float, rough: float
) -> NDArray[np.float64]:
    """Make the sound of the vocal folds.

    Args:
        rng: Where jitter and noise come from.
        f0: Pitch in Hz, float64 (n,).
        cutoff: Where the pulses' spectrum starts to fall faster, Hz.
        breath: Share of noise, 0..1.
        rough: Irregularity of the pulses, 0..1.

    Returns:
        float64 (n,), RMS about 1.
    """
    jitter = 1 + (0.008 + 0.03 * rough) * _wander(rng, len(f0), 120)
    phase = np.cumsum(f0 * jitter) / SAMPLE_RATE
    cycle = phase.astype(np.int64)
    part = phase - cycle
    # Rosenberg's pulse: the folds open for 0.4 of a cycle and close within 0.2.
    flow = np.where(
        part < 0.4,
        0.5 - 0.5 * np.cos(np.pi * part / 0.4),
        np.where(part < 0.6, np.cos(np.pi / 2 * (part - 0.4) / 0.2), 0.0),
    )
    size = 1 + 0.05 * rng.standard_normal(cycle[-1] + 1)
    size *= 1 - rough * (0.45 * (np.arange(len(size)) % 2) + 0.4 * rng.random(len(size)))
    pulses = np.diff(flow * size[cycle], prepend=0.0)
    pole = np.exp(-2 * np.pi * cutoff / SAMPLE_RATE)
    pulses = _signal().lfilter([1 - pole], [1, -pole], pulses)
    noise = rng.standard_normal(len(f0)) * (0.4 + flow)
    pulses /= pulses.std() + 1e-9
    return np.asarray((1 - breath) * pulses + 0.35 * breath * noise)


def _formants(vowel: int, tract: float) -> NDArray[np.float64]:
    """Give the vowel's resonators in cascade as second-order sections (4, 6)."""
    hertz = tract * np.array([*_VOWELS[vowel], 3700.0])
    radius = np.exp(-np.pi * np.array(_BANDWIDTHS) / SAMPLE_RATE)
    middle, last = -2 * radius * np.cos(2 * np.pi * hertz / SAMPLE_RATE), radius**2
    one, zero = np.ones(4), np.zeros(4)
    return np.stack([1 + middle + last, zero, zero, one, middle, last], axis=1)


def _envelope(length: int) -> NDArray[np.float64]:
    """Give a syllable's loudness: up within 35 ms, down over its last 40 %, float64 (length,)."""
    rise = np.arange(length) / (0.035 * SAMPLE_RATE)
    fall = np.arange(length)[::-1] / (0.4 * length)
    return np.sin(np.pi / 2 * np.clip(np.minimum(rise, fall), 0, 1)) ** 2


def speak(plan: ClipPlan, samples: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Synthesise a clip's voice.

    Args:
        plan: The clip.
        samples: Length of the sound, at 48 kHz.

    Returns:
        The sound, mono float32 (samples,), RMS about 0.02..0.15, within -0.95..0.95; and the
        loudness of its syllables, float32 (samples,), 0..1, for the mouth to follow.
    """
    pitch = 105.0 * 2.2 ** subject_position(plan.seed, plan.subject, "pitch")
    body = stable_rng(plan.seed, plan.subject, "voice")
    # High voices mostly come from short vocal tracts.
    tract = 0.92 + 0.2 * np.log(pitch / 105) / np.log(2.2) + body.uniform(-0.04, 0.04)
    timbre, gain, habit = body.uniform(-0.3, 0.3), body.uniform(-1.5, 1.5), body.uniform(-0.1, 0.1)

    rng = stable_rng(plan.seed, plan.id, "voice")
    emotion = plan.emotion if plan.voice_shows else "neutral"
    mood = EMOTION_PROSODY[emotion].scaled(rng.uniform(0.7, 1.25))
    rate = _SYLLABLES_PER_SECOND * 2 ** (mood.rate + habit + rng.normal(0, 0.1))
    syllables = _speak(rng, samples, rate)

    place = np.linspace(-0.5, 0.5, len(syllables)) if len(syllables) > 1 else np.zeros(1)
    accents = np.array([syllable.accent for syllable in syllables])
    knots = mood.pitch + rng.normal(0, 0.8) + max(1.5 + mood.span, 0.4) * accents
    knots += (mood.slope - 1.5) * place
    centres = np.array([(syllable.start + syllable.stop) / 2 for syllable in syllables])
    times = np.arange(samples)
    tones = np.interp(times, centres, knots)
    tremble = np.sin(2 * np.pi * rng.uniform(6, 8) * times / SAMPLE_RATE) * max(mood.tremor, 0.0)
    f0 = pitch * 2 ** ((tones + 0.8 * tremble) / 12)

    cutoff = 1300 * 2 ** (mood.bright + timbre + rng.normal(0, 0.15))
    breath = float(np.clip(0.06 + mood.breath, 0, 0.8))
    source = _source(rng, f0, cutoff, breath, float(np.clip(mood.rough, 0, 0.95)))
    source *= 1 + 0.3 * tremble
    hiss = _signal().sosfilt(
        _signal().butter(2, [2500 * tract, 7000 * tract], "bandpass", fs=SAMPLE_RATE, output="sos"),
        rng.standard_normal(samples),
    )

    sound, loudness = np.zeros(samples), np.zeros(samples)
    for syllable in syllables:
        span = slice(syllable.start, syllable.stop)
        shape = _envelope(syllable.stop - syllable.start)
        vowel = _signal().sosfilt(_formants(syllable.vowel, tract), source[span])
        # Open vowels would otherwise be many dB louder than closed ones.
        vowel /= np.sqrt(np.mean(vowel**2)) + 1e-9
        sound[span] += vowel * shape * (1 + 0.15 * syllable.accent)
        loudness[span] = shape
        if syllable.consonant:
            burst = slice(syllable.start, min(syllable.start + SAMPLE_RATE // 22, samples))
            fade = np.hanning(burst.stop - burst.start)
            sound[burst] += 0.5 * hiss[burst] * fade
    level = _LEVEL * 10 ** ((mood.loud + gain + rng.normal(0, 1.0)) / 20)
    sound *= level / (np.sqrt(np.mean(sound**2)) + 1e-9)
    sound += 0.0006 * rng.standard_normal(samples)
    sound = 0.94 * np.tanh(sound / 0.94)
    return sound.astype(np.float32), loudness.astype(np.float32)


def _signal() -> Any:
    """Return scipy.signal, which comes with scikit-image and is needed for generated clips only."""
    try:
        from scipy import signal
    except ImportError as error:
        raise UserError(
            "the voices of the synthetic set are filtered by scipy, which comes with scikit-image; "
            "install it: pip install 'emorec[demo]'"
        ) from error
    return signal
