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

Part = tuple[Array, Sequence[bool]]
"""Of a clip: its array (windows, *shape) and which windows are present."""
Parts = Iterable[Part]
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
    sums = _Sums(axes)
    for array, present in parts:
        sums.add(array, present)
    if (found := sums.moments()) is None:
        return np.zeros(1, np.float32), np.ones(1, np.float32)
    mean, deviation = found
    return mean, np.where(np.less(deviation, FLOOR), 1, deviation).astype(np.float32)


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
        cls, clips: Iterable[Mapping[str, Part]], axes: Mapping[str, Sequence[int]]
    ) -> "SpeakerStatistics":
        """Measure a speaker, clip by clip.

        Args:
            clips: For each of the speaker's clips, modality -> array and present windows; a clip
                may lack modalities.
            axes: Modality -> axes of one window's array that are pooled.
        """
        sums = {name: _Sums(each) for name, each in axes.items()}
        for clip in clips:
            for name, part in clip.items():
                sums[name].add(*part)
        found = {name: each.moments() for name, each in sums.items()}
        known = {name: each for name, each in found.items() if each is not None}
        return cls({name: sums[name].clips for name in known}, known)

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


class _Sums:
    """Number, mean and deviation of what was added, in one pass.

    Args:
        axes: Axes of one window's array that are pooled.
    """

    def __init__(self, axes: Sequence[int]) -> None:
        self.pooled = (0, *(axis + 1 for axis in axes))
        self.clips = 0
        self.shift: NDArray[np.float64] | None = None
        self.count = self.total = self.squares = np.zeros(1)

    def add(self, array: Array, present: Sequence[bool]) -> None:
        """Add the present windows of a clip; one without any does not count."""
        values = np.asarray(array[np.asarray(present, bool)], np.float64)
        if not len(values):
            return
        self.clips += 1
        if self.shift is None:  # sums of squares around a nearby value stay precise
            known = ~np.isnan(values)
            total = np.nansum(values, self.pooled, keepdims=True)[0]
            self.shift = total / np.maximum(known.sum(self.pooled, keepdims=True)[0], 1)
        values -= self.shift
        self.count = self.count + (~np.isnan(values)).sum(self.pooled, keepdims=True)[0]
        self.total = self.total + np.nansum(values, self.pooled, keepdims=True)[0]
        self.squares = self.squares + np.nansum(np.square(values), self.pooled, keepdims=True)[0]

    def moments(self) -> Moments | None:
        """Return mean and deviation, float32; None if nothing was present."""
        if self.shift is None:
            return None
        count = np.maximum(self.count, 1)
        mean = self.total / count
        deviation = np.sqrt(np.maximum(self.squares / count - np.square(mean), 0))
        return (mean + self.shift).astype(np.float32), deviation.astype(np.float32)
