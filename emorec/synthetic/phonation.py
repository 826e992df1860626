"""How a voice sounds: pulses and noise of the vocal folds, and the tract's resonances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emorec.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_RATE = 48000
# First three formants in Hz of a, e, i, o, u for an adult of average size.
_VOWELS = (
    (780, 1250, 2550),
    (480, 1900, 2600),
    (300, 2250, 3000),
    (480, 880, 2500),
    (330, 800, 2300),
)
VOWELS = len(_VOWELS)
_BANDWIDTHS = (90, 120, 180, 250)


def _wander(rng: np.random.Generator, samples: int, hertz: float) -> NDArray[np.float64]:
    """Draw noise of unit size that changes about `hertz` times a second, float64 (n,)."""
    knots = rng.standard_normal(int(samples / SAMPLE_RATE * hertz) + 2)
    return np.interp(np.arange(samples) * hertz / SAMPLE_RATE, np.arange(len(knots)), knots)


def fold_sound(
    rng: np.random.Generator, f0: NDArray[np.float64], cutoff: float, breath: float, rough: float
) -> NDArray[np.float64]:
    """Make the sound of the vocal folds.

    Args:
        rng: Source of jitter and noise.
        f0: Pitch in Hz, float64 (n,).
        cutoff: Frequency above which the pulses' spectrum falls faster, Hz.
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
    pulses = scipy_signal().lfilter([1 - pole], [1, -pole], pulses)
    noise = rng.standard_normal(len(f0)) * (0.4 + flow)
    pulses /= pulses.std() + 1e-9
    return np.asarray((1 - breath) * pulses + 0.35 * breath * noise)


def formants(vowel: int, tract: float) -> NDArray[np.float64]:
    """Return the vowel's formants in cascade as second-order sections, float64 (4, 6)."""
    hertz = tract * np.array([*_VOWELS[vowel], 3700.0])
    radius = np.exp(-np.pi * np.array(_BANDWIDTHS) / SAMPLE_RATE)
    middle, last = -2 * radius * np.cos(2 * np.pi * hertz / SAMPLE_RATE), radius**2
    one, zero = np.ones(4), np.zeros(4)
    return np.stack([1 + middle + last, zero, zero, one, middle, last], axis=1)


def hiss(rng: np.random.Generator, samples: int, tract: float) -> NDArray[np.float64]:
    """Draw the noise that consonants start with, float64 (samples,).

    Args:
        rng: Source of the noise.
        samples: Length of the sound, at 48 kHz.
        tract: Factor of the resonances, about 0.7..1.35.
    """
    band = [2500 * tract, 7000 * tract]
    sections = scipy_signal().butter(2, band, "bandpass", fs=SAMPLE_RATE, output="sos")
    noise = scipy_signal().sosfilt(sections, rng.standard_normal(samples))
    return np.asarray(noise, dtype=np.float64)


def envelope(length: int) -> NDArray[np.float64]:
    """Return a syllable's loudness: up within 35 ms, down over its last 40 %, float64 (length,)."""
    rise = np.arange(length) / (0.035 * SAMPLE_RATE)
    fall = np.arange(length)[::-1] / (0.4 * length)
    return np.sin(np.pi / 2 * np.clip(np.minimum(rise, fall), 0, 1)) ** 2


def scipy_signal() -> Any:
    """Return scipy.signal, which only generated clips need.

    Raises:
        UserError: scipy is not installed.
    """
    try:
        from scipy import signal
    except ImportError as error:
        raise UserError(
            "the voices of the synthetic set are filtered by scipy, which comes with scikit-image; "
            "install it: pip install 'emorec[demo]'"
        ) from error
    return signal
