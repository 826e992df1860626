"""Mean and deviation of extracted arrays: of a corpus, and of one speaker."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emorec.types import Array

PRIOR = 2.0  # clips that the corpus counts as in a speaker's statistics
LEAST = 2  # clips of a speaker without which the corpus alone counts
FLOOR = 1e-6  # deviations below are those of a constant
NOTE = "normalised within the speaker, of whom all clips were seen without labels, test clips too"

Parts = Iterable[tuple[Array, Sequence[bool]]]
"""For each clip, its array (windows, *shape) and which windows are present."""
Moments = tuple[Array, Array]
"""Mean and deviation, float32, that broadcast against one window."""


def pooled_statistics(parts: Parts, axes: Sequence[int]) -> Moments:
    """Return mean and deviation over all present windows and the given axes.

    NaN (padding) is ignored.

    Args:
        parts: The clips.
        axes: Axes of one window's array that are pooled; the others keep their own statistics.

    Returns:
        Two float32 arrays that broadcast against one window. Where nothing is present they are
        0 and 1; a constant value has deviation 1.
    """
    found = _moments(parts, axes)
    if found is None:
        return np.zeros(1, np.float32), np.ones(1, np.float32)
    _, mean, deviation = found
    return mean.astype(np.float32), np.where(deviation < FLOOR, 1, deviation).astype(np.float32)


@dataclass(frozen=True, slots=True)
class SpeakerStatistics:
    """Mean and deviation of one speaker's inputs, over clips whose labels nobody looked at.

    Attributes:
        clips: Modality -> number of clips that were measured.
        moments: Modality -> mean and deviation, as measured; lacks modalities never present.
    """

    clips: dict[str, int]
    moments: dict[str, Moments]

    @classmethod
    def measured(
        cls, parts: Mapping[str, Parts], axes: Mapping[str, Sequence[int]]
    ) -> "SpeakerStatistics":
        """Measure a speaker.

        Args:
            parts: Modality -> the speaker's clips.
            axes: Modality -> axes of one window's array that are pooled.
        """
        found = {name: _moments(each, axes[name]) for name, each in parts.items()}
        known = {name: each for name, each in found.items() if each is not None}
        return cls(
            {name: count for name, (count, _, _) in known.items()},
            {
                name: (mean.astype(np.float32), deviation.astype(np.float32))
                for name, (_, mean, deviation) in known.items()
            },
        )

    def onto(self, corpus: Mapping[str, Moments]) -> dict[str, Moments]:
        """Return how the speaker's values become those of the corpus: ``scale * x + shift``.

        Afterwards the speaker's mean and deviation are those of the corpus, so what reads the
        corpus reads the speaker. Both are estimates: the corpus counts as :data:`PRIOR` clips
        of the speaker, so that few clips, or values that a speaker never varies, are not blown up.

        Args:
            corpus: Modality -> mean and deviation of training clips.

        Returns:
            Modality -> (scale, shift), float32; lacks modalities of which fewer than
            :data:`LEAST` clips were measured: they stay as they are.
        """
        found: dict[str, Moments] = {}
        for name, (mean, deviation) in corpus.items():
            count = self.clips.get(name, 0)
            if count < LEAST:
                continue
            share = count / (count + PRIOR)
            own, all_ = (_wide(*each) for each in (self.moments[name], (mean, deviation)))
            centre = share * own[0] + (1 - share) * all_[0]
            scale = all_[1] / np.sqrt(share * own[1] ** 2 + (1 - share) * all_[1] ** 2)
            found[name] = scale.astype(np.float32), (all_[0] - scale * centre).astype(np.float32)
        return found


def changed(x: Array, change: Moments) -> Array:
    """Return ``scale * x + shift``, float32; see :meth:`SpeakerStatistics.onto`."""
    scale, shift = (np.asarray(each, np.float32) for each in change)
    return np.asarray(x, np.float32) * scale + shift


def _wide(*arrays: Array) -> list[NDArray[np.float64]]:
    return [np.asarray(array, np.float64) for array in arrays]


def _moments(
    parts: Parts, axes: Sequence[int]
) -> tuple[int, NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the number of clips with a present window, mean and deviation; None without any."""
    pooled = (0, *(axis + 1 for axis in axes))
    clips, count, total, squares = 0, np.zeros(1), np.zeros(1), np.zeros(1)
    shift: np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None = None
    for array, present in parts:
        values = np.asarray(array[np.asarray(present, bool)], np.float64)
        if not len(values):
            continue
        clips += 1
        if shift is None:  # sums of squares around a nearby value stay precise
            known = ~np.isnan(values)
            shift = np.nansum(values, pooled, keepdims=True)[0]
            shift /= np.maximum(known.sum(pooled, keepdims=True)[0], 1)
            total, squares = np.zeros_like(shift), np.zeros_like(shift)
        values -= shift
        count = count + (~np.isnan(values)).sum(pooled, keepdims=True)[0]
        total = total + np.nansum(values, pooled, keepdims=True)[0]
        squares = squares + np.nansum(np.square(values), pooled, keepdims=True)[0]
    if shift is None:
        return None
    count = np.maximum(count, 1)
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - np.square(mean), 0))
    return clips, mean + shift, deviation
