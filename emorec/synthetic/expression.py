"""What a face does: FACS action units of each emotion, and their course over a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Units = dict[int, float]
"""Strength, 0..about 1.6, by the unit's number in the Facial Action Coding System."""

# 1 inner brow raiser, 2 outer brow raiser, 4 brow lowerer, 5 upper lid raiser, 6 cheek raiser,
# 7 lid tightener, 9 nose wrinkler, 10 upper lip raiser, 12 lip corner puller, 15 lip corner
# depressor, 17 chin raiser, 20 lip stretcher.
LIP_PRESSOR = 24
LIPS_PART = 25
JAW_DROP = 26
BLINK = 45

# The usual prototypes of the FACS investigator's guide (EMFACS); strengths tuned by eye.
EMOTION_UNITS: dict[str, Units] = {
    # 4+5+7+24: brows down and together, glaring and tightened lids, lips pressed.
    "anger": {4: 1.0, 5: 0.25, 7: 0.6, 24: 1.0, 17: 0.3},
    # 9+10+15 (with 4 and 7): wrinkled nose, raised upper lip, corners down.
    "disgust": {4: 0.45, 7: 0.8, 9: 1.0, 10: 1.0, 15: 0.4},
    # 1+2+4+5+20+25: brows up but knitted, wide eyes, mouth stretched sideways.
    "fear": {1: 1.0, 2: 0.45, 4: 0.4, 5: 0.9, 20: 1.0, 25: 0.6},
    # 6+12+25: raised cheeks, lip corners pulled up, teeth.
    "happiness": {6: 0.8, 12: 1.0, 25: 0.5},
    # 1+4+15+17: inner brows up, corners down, chin pushed up; upper lids droop.
    "sadness": {1: 0.8, 4: 0.3, 7: 0.35, 15: 1.0, 17: 0.6},
    # 1+2+5+26: whole brows up, wide eyes, the jaw drops.
    "surprise": {1: 0.9, 2: 1.0, 5: 1.0, 26: 1.0},
    "neutral": {},
}

_RISE_SECONDS = 0.2
_BLINK_SECONDS = 0.16


def slow_wave(
    rng: np.random.Generator, times: NDArray[np.float64], hertz: tuple[float, float] = (0.3, 1.2)
) -> NDArray[np.float64]:
    """Draw a smooth random movement as the mean of three sines.

    Args:
        rng: Source of frequencies and phases.
        times: Seconds, float64 (n,).
        hertz: Lowest and highest frequency.

    Returns:
        Values within -1..1, float64 (n,).
    """
    speed = 2 * np.pi * rng.uniform(*hertz, (3, 1))
    phase = rng.uniform(0, 2 * np.pi, (3, 1))
    return np.asarray(np.sin(speed * times + phase).mean(axis=0))


def blinks(rng: np.random.Generator, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw how far the lids are closed: a blink every 1 to 3.5 s.

    Args:
        rng: Source of the times of the blinks.
        times: Seconds of each frame, ascending, float64 (n,).

    Returns:
        Values within 0..1, float64 (n,).
    """
    closed = np.zeros_like(times)
    at = rng.uniform(0.3, 2.5)
    while at < times[-1]:
        closed = np.maximum(closed, np.clip(1.5 - np.abs(times - at) / _BLINK_SECONDS * 2, 0, 1))
        at += rng.uniform(1.0, 3.5)
    return closed


def pull(rest: Units, units: Units, strength: float, mouth: float, lid: float) -> Units:
    """Combine the action units of one frame.

    Args:
        rest: The units of the resting face.
        units: The units of the expression at strength 1; they are added.
        strength: How much of them is shown.
        mouth: How far speech opens the mouth, 0..1; added as well.
        lid: How far the eyes are closed, 0..1.

    Returns:
        The sum, with `BLINK`.
    """
    frame = dict(rest)
    for unit, size in units.items():
        frame[unit] = frame.get(unit, 0.0) + size * strength
    frame[LIPS_PART] = frame.get(LIPS_PART, 0.0) + 0.55 * mouth
    frame[JAW_DROP] = frame.get(JAW_DROP, 0.0) + 0.2 * mouth
    frame[BLINK] = lid
    return frame


def express(
    emotion: str,
    speech: NDArray[np.float32],
    times: NDArray[np.float64],
    rng: np.random.Generator,
    intensity: float = 1.0,
) -> list[Units]:
    """Return the action units of an emotion over a clip.

    The expression rises from a fifth at the start to its full strength within 0.2 s, then
    fluctuates slowly; strength differs by clip and, a little, by unit. Speech opens the mouth
    as well, and the eyes blink now and then.

    Args:
        emotion: A key of `EMOTION_UNITS`.
        speech: Loudness of the voice at each frame, 0..1, float32 (n,).
        times: Seconds of each frame, float64 (n,).
        rng: Source of all randomness.
        intensity: Scale of the emotion's effect, from 0, neutral, to 1.

    Returns:
        The units of each frame, n of them.
    """
    strength = rng.uniform(0.5, 1.2) * intensity
    rise = 0.2 + 0.8 * np.clip(times / _RISE_SECONDS, 0, 1)
    course = strength * rise * (1 + 0.15 * slow_wave(rng, times))
    units = {unit: size * rng.uniform(0.7, 1.3) for unit, size in EMOTION_UNITS[emotion].items()}
    # Nobody's resting face is exactly neutral.
    rest = {unit: float(max(rng.normal(0, 0.12), 0)) for unit in (1, 2, 4, 7, 12, 15, 20)}
    blink = blinks(rng, times)
    # Pressed lips still move, but open less.
    talk = speech * (1 - 0.4 * intensity * min(units.get(LIP_PRESSOR, 0.0), 1.0))
    return [
        pull(rest, units, float(now), float(mouth), float(lid))
        for now, mouth, lid in zip(course, talk, blink, strict=True)
    ]
