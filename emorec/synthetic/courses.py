"""The course of affect in a recording, what is shown of it, and what can be inferred from that."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emorec.synthetic.draws import stable_rng
from emorec.synthetic.frames import FRAMES_PER_SECOND, count_frames
from emorec.synthetic.recording import RecordingPlan, check_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

# 1 is 2.9 deviations away: 4 values in 1000 are clipped.
_DEVIATION = 0.35
# The autocorrelation at a lag of t seconds is exp(-(t / 3)^2): a noise filtered by a bell of
# half that variance.
_CORRELATION_SECONDS = 3.0


class Affect(NamedTuple):
    """Courses of affect, float64 (frames,) each, 25 frames a second.

    Attributes:
        arousal: The gold standard, -1..1.
        valence: The gold standard, -1..1, independent of arousal.
        voice: What the voice shows: arousal plus noise, not limited.
        face: What the face shows: valence plus noise, not limited.
    """

    arousal: NDArray[np.float64]
    valence: NDArray[np.float64]
    voice: NDArray[np.float64]
    face: NDArray[np.float64]


def _process(plan: RecordingPlan, name: str) -> NDArray[np.float64]:
    """Draw a stationary Gaussian course of mean 0 and deviation 0.35, float64 (frames,)."""
    width = _CORRELATION_SECONDS / 2 * FRAMES_PER_SECOND
    reach = round(4 * width)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    bell *= _DEVIATION / np.sqrt(np.sum(bell**2))
    rng = stable_rng(plan.seed, plan.id, name)
    # Noise from before the start and after the end, so that the ends behave like the middle.
    noise = rng.standard_normal(count_frames(plan.seconds) + 2 * reach)
    return np.convolve(noise, bell, "valid")


def affect(plan: RecordingPlan) -> Affect:
    """Draw what a person feels and what is shown of it; depends only on the plan.

    Args:
        plan: The recording.

    Returns:
        The gold standard, and what the voice and the face show: the sum of arousal (or valence)
        and `voice_noise` (`face_noise`) times an independent course with the same distribution.
    """
    arousal = np.clip(_process(plan, "arousal"), -1, 1)
    valence = np.clip(_process(plan, "valence"), -1, 1)
    return Affect(
        arousal=arousal,
        valence=valence,
        voice=arousal + plan.voice_noise * _process(plan, "voice noise"),
        face=valence + plan.face_noise * _process(plan, "face noise"),
    )


def displayed(shown: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
    """Scale what is shown to what a voice or face can do.

    Args:
        shown: `voice` or `face` of `Affect`, float64 (frames,).
        noise: The plan's noise of the same modality.

    Returns:
        The course divided by sqrt(1 + noise^2), so that its deviation is 0.35 for any noise, and
        then clipped to -1..1 (4 values in 1000), float64 (frames,).
    """
    return np.clip(shown / math.hypot(1, noise), -1, 1)


def ceiling(noise: float) -> float:
    """Return the best concordance (CCC) that the voice allows with arousal (or face, valence).

    Let g be the gold standard and x = g + s n what is shown, where n is independent of g and has
    the same distribution, with mean 0 and variance v. Then cov(x, g) = v and var(x) = (1 + s^2) v,
    and the linear prediction c x has

        CCC(c) = 2 cov(c x, g) / (var(c x) + var(g)) = 2 c / (1 + c^2 (1 + s^2)).

    Its derivative is 0 where c^2 (1 + s^2) = 1. Then the prediction has the variance of the gold
    standard, and CCC = 1 / sqrt(1 + s^2), which is the correlation of x and g. An offset would
    only add to the denominator. (Least squares takes c = 1 / (1 + s^2) and reaches only
    2 c / (1 + c), less than the ceiling: 0.889 rather than 0.894 for s = 0.5.)

    No other prediction does better. CCC is at most the correlation, which is highest for
    E[g | x]. That is linear in x, as both are Gaussian, and earlier and later frames add nothing,
    as g and n have the same spectrum: the Wiener filter is one constant factor at all
    frequencies.

    The value holds for infinitely long recordings; short ones scatter around it (about one
    independent value in 4 s). Clipping costs less than 0.002.

    Args:
        noise: s, `voice_noise` or `face_noise`.

    Returns:
        1 / sqrt(1 + s^2), above 0 and at most 1.

    Raises:
        ValueError: If the noise is negative or not finite.
    """
    check_noise("noise", noise)
    return 1 / math.hypot(1, noise)
