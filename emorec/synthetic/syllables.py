"""Syllables: where they lie in a sound, and how the vocal tract shapes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emorec.synthetic.phonation import SAMPLE_RATE, VOWELS, envelope, formants, scipy_signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Syllable:
    """One syllable; positions in samples.

    Attributes:
        start: Its first sample.
        stop: The sample after its last one.
        vowel: Which one, 0..`VOWELS` - 1.
        consonant: Whether it starts with one.
        accent: Its stress, -1..1.
    """

    start: int
    stop: int
    vowel: int
    consonant: bool
    accent: float


def lay_syllables(
    rng: np.random.Generator, samples: int, rate: Callable[[int], float]
) -> list[Syllable]:
    """Place syllables in a sound; pauses stay short so that half a second is never silent.

    Args:
        rng: Source of all randomness.
        samples: Length of the sound, at 48 kHz.
        rate: Returns the syllables per second at a sample.

    Returns:
        The syllables in their order; they do not overlap.
    """
    syllables = []
    at = int(rng.uniform(0.01, 0.05) * SAMPLE_RATE)
    while at < samples:
        length = int(SAMPLE_RATE / rate(at) * rng.uniform(0.75, 1.25))
        syllables.append(
            Syllable(
                start=at,
                stop=min(at + length, samples),
                vowel=int(rng.integers(VOWELS)),
                consonant=bool(rng.random() < 0.6),
                accent=float(rng.uniform(-1, 1)),
            )
        )
        at += length + (int(rng.uniform(0.06, 0.12) * SAMPLE_RATE) if rng.random() < 0.12 else 0)
    return syllables


def articulate(
    syllable: Syllable, source: NDArray[np.float64], noise: NDArray[np.float64], tract: float
) -> NDArray[np.float64]:
    """Shape the sound of the folds and the hiss into a syllable.

    Args:
        syllable: The syllable.
        source: Sound of the folds over the syllable, float64 (n,).
        noise: Hiss over the syllable, float64 (n,); audible if it has a consonant.
        tract: Factor of the resonances.

    Returns:
        The syllable, float64 (n,), whose vowel has an RMS of about 1 before it rises and falls.
    """
    vowel = scipy_signal().sosfilt(formants(syllable.vowel, tract), source)
    # Open vowels would otherwise be many dB louder than closed ones.
    vowel /= np.sqrt(np.mean(vowel**2)) + 1e-9
    vowel *= envelope(len(source))
    vowel *= 1 + 0.15 * syllable.accent
    if syllable.consonant:
        burst = noise[: SAMPLE_RATE // 22]
        vowel[: len(burst)] += 0.5 * burst * np.hanning(len(burst))
    return np.asarray(vowel, dtype=np.float64)
