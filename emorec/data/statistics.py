"""Statistics of clips for models: mean and deviation of inputs, speakers, class counts."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from emorec.data.segments import SegmentDataset
from emorec.extractors import Extractor
from emorec.types import Array, Clip, Target, Values


def input_statistics(
    train: SegmentDataset, extractors: Mapping[str, Extractor]
) -> dict[str, tuple[Array, Array]]:
    """Return modality -> (mean, deviation): an extractor's constants, or measured ones.

    Args:
        train: The segments that are measured.
        extractors: Modality -> extractor.
    """
    return {
        name: extractor.constants() or pooled_statistics(train.windows(name), extractor.pooled_axes)
        for name, extractor in extractors.items()
    }


def pooled_statistics(
    parts: Iterable[tuple[Array, Sequence[bool]]], axes: Sequence[int]
) -> tuple[Array, Array]:
    """Return mean and deviation over all present windows and the given axes.

    NaN (padding) is ignored.

    Args:
        parts: For each clip, its array (windows, *shape) and which windows are present.
        axes: Axes of one window's array that are pooled; the others keep their own statistics.

    Returns:
        Two float32 arrays that broadcast against one window. Where nothing is present they are
        0 and 1; a constant value has deviation 1.
    """
    pooled = (0, *(axis + 1 for axis in axes))
    count, total, squares = np.zeros(1), np.zeros(1), np.zeros(1)
    shift: np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None = None
    for array, present in parts:
        values = np.asarray(array[np.asarray(present, bool)], np.float64)
        if not len(values):
            continue
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
        return np.zeros(1, np.float32), np.ones(1, np.float32)
    count = np.maximum(count, 1)
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - np.square(mean), 0))
    deviation[deviation < 1e-6] = 1.0
    return (mean + shift).astype(np.float32), deviation.astype(np.float32)


def count_classes(clips: Sequence[Clip], targets: Mapping[str, Target]) -> dict[str, Tensor]:
    """Return target -> int64 (classes,): labelled clips of each class.

    Args:
        clips: The clips.
        targets: Name -> target; those with values have no classes and are left out.
    """
    return {
        target: torch.tensor([sum(c.labels.get(target) == i for c in clips) for i in range(n)])
        for target, n in ((t, len(form)) for t, form in targets.items())
        if not isinstance(targets[target], Values)
    }


def number_speakers(clips: Sequence[Clip]) -> Tensor:
    """Return int64 (clips,): the speaker in each clip, -1 where unknown.

    A speaker (group) is represented by its position among the sorted names.
    """
    names = sorted({clip.group for clip in clips} - {""})
    numbers = {name: number for number, name in enumerate(names)}
    return torch.tensor([numbers.get(clip.group, -1) for clip in clips]).long()
