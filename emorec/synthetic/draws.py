"""Random numbers that depend only on what they are for."""

from __future__ import annotations

import numpy as np

from emorec.system.files import digest


def stable_rng(seed: int, *names: str) -> np.random.Generator:
    """Return a generator that depends only on its arguments.

    Args:
        seed: The seed of the set, any integer.
        names: The purpose of the numbers, such as a clip's id and "face".

    Returns:
        A fresh generator, the same on every machine and in every process (`hash` is not).
    """
    text = "\x1f".join((str(seed), *names))
    return np.random.default_rng(int.from_bytes(digest(text), "big"))


def subject_position(seed: int, subject: str, quality: str) -> float:
    """Place a subject on a scale so that few subjects already cover it evenly.

    Independent draws would give some neighbouring subjects the same look or pitch; steps of
    the golden ratio keep them apart.

    Args:
        seed: The seed of the set.
        subject: "s" and the subject's number, such as "s03".
        quality: What the scale measures, such as "pitch"; shifts the start of the sequence.

    Returns:
        A position in 0..1.
    """
    start = stable_rng(seed, quality).random()
    return float((start + int(subject[1:]) * 0.6180339887498949) % 1.0)


def spread(value: float, average: float, identity: float) -> float:
    """Scale a quality's distance from the average.

    Args:
        value: The quality as it was drawn.
        average: Its value for the average subject.
        identity: The scale; 0 gives exactly `average`, 1 exactly `value`.

    Returns:
        The scaled quality.
    """
    # Not average + identity * (value - average), which rounds: sets made before the scale was
    # added must stay bit-identical, and at 0 rounding would make subjects differ.
    return float(identity * value + (1 - identity) * average)
