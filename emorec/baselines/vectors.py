"""One vector per clip from cached arrays of any shape."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emorec.data import SegmentDataset


def vectors_of(dataset: SegmentDataset, modality: str, axes: Sequence[int]) -> NDArray[np.float64]:
    """Return a modality of all clips as vectors, float64 (clips, D), in the order of ``ids``.

    Mean and standard deviation over the clip's present windows and the given axes, without padding
    (NaN); the mean alone where there is one value only, as in a vector of a whole clip. NaN in
    rows of clips without the modality.

    Args:
        dataset: The clips.
        modality: The modality.
        axes: Axes of one window's array that are pooled, see
            :attr:`emorec.extractors.Extractor.pooled_axes`.
    """
    pooled = (0, *(axis + 1 for axis in axes))
    rows = []
    several = bool(axes) or any(len(mask[modality]) > 1 for mask in dataset.present.values())
    for array, present in dataset.windows(modality):
        values = np.asarray(array[np.asarray(present, bool)], np.float64)
        if not len(values):
            values = np.full((1, *array.shape[1:]), np.nan)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a mean of NaN alone is NaN
            moments = [np.nanmean(values, pooled).ravel()]
            if several:
                moments.append(np.nanstd(values, pooled).ravel())
        rows.append(np.concatenate(moments))
    return np.stack(rows)
