"""Annotation traces: values that change over a recording, on the grid of the model's steps."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emorec.errors import DataError
from emorec.media import MediaError
from emorec.media.series import read_series, resample
from emorec.types import Array, Values, Window


def read_trace(path: Path, dimensions: Sequence[str], step: float) -> Array:
    """Return the values of a trace at 0, ``step``, 2 ``step``, ... seconds.

    Args:
        path: A CSV file, see :func:`emorec.media.series.read_series`.
        dimensions: Names of its columns.
        step: Seconds.

    Returns:
        float32 (steps, dimensions); NaN where unknown, see
        :func:`emorec.media.series.resample`.

    Raises:
        DataError: The file is missing or not as expected.
    """
    try:
        times, values = read_series(path, dimensions)
    except MediaError as error:
        raise DataError(f"trace {path} {error}") from error
    return resample(times, values, step)


def part_of_trace(trace: Array, window: Window, target: Values) -> Array:
    """Return the values that belong to a window's steps, NaN where the trace has none.

    Args:
        trace: float32 (steps, dimensions) of the recording.
        window: The window, in seconds.
        target: A value annotates what was seen and heard one delay, rounded to steps, earlier.
    """
    first = round(window.start / target.step) + target.delay_steps  # the same delay for all windows
    count = round((window.end - window.start) / target.step)
    part = np.full((count, trace.shape[1]), np.nan, np.float32)
    known = trace[first : first + count]
    part[: len(known)] = known
    return part
