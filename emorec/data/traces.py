"""Annotation traces: values that change over a recording, on the grid of the model's steps."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emorec.data.delimiter import split_header
from emorec.errors import DataError
from emorec.types import Array, Values, Window

Numbers = NDArray[np.float64]
TRACE_FORMAT = """expected a CSV file with a header line, a column time (seconds from the start of \
the recording, rising) and one for each dimension; an empty value is a gap"""

LONGEST = 86400.0  # seconds


def read_trace(path: Path, dimensions: Sequence[str], step: float) -> Array:
    """Return the values of a trace at 0, ``step``, 2 ``step``, ... seconds.

    Between two times of the file values are interpolated linearly, unless one of both is a gap or
    they are more than a second (and two of the trace's own steps) apart. Before the first and
    after the last time nothing is known.

    Args:
        path: A CSV file as :data:`TRACE_FORMAT` says.
        dimensions: Names of its columns.
        step: Seconds.

    Returns:
        float32 (steps, dimensions); NaN where nothing is known.

    Raises:
        DataError: The file is missing or not as expected.
    """
    times, values = _columns(path, dimensions)
    if times[-1] > LONGEST:
        raise DataError(
            f"trace {path}: times go up to {times[-1]:g}, longer than a day; expected seconds from "
            "the start of the recording, no milliseconds, frame numbers or time of day"
        )
    return resample(times, values, step)


def resample(times: Numbers, values: Numbers, step: float) -> Array:
    """Return values on a regular grid, see :func:`read_trace`.

    Args:
        times: float64 (n,), seconds, rising.
        values: float64 (n, dimensions); NaN is a gap.
        step: Seconds.
    """
    count = int(np.floor(float(times[-1]) / step + 1e-6)) + 1
    grid = np.arange(count) * step
    own = float(np.median(np.diff(times))) if len(times) > 1 else step
    after = np.searchsorted(times, grid - 1e-6).clip(max=len(times) - 1)
    exact = np.abs(times[after] - grid) < 1e-6
    before = np.where(exact, after, (after - 1).clip(min=0))
    apart = times[after] - times[before]
    known = exact | ((after > 0) & (apart <= max(1.0, 2 * own)))
    share = np.where(apart > 0, (grid - times[before]) / np.where(apart > 0, apart, 1), 0.0)
    found = values[before] + share[:, None] * (values[after] - values[before])
    return np.where(known[:, None], found, np.nan).astype(np.float32)


def part_of_trace(trace: Array, window: Window, target: Values) -> Array:
    """Return the values that belong to a window's steps, NaN where the trace has none.

    Args:
        trace: float32 (steps, dimensions) of the recording.
        window: The window, in seconds.
        target: A value belongs to what was to be seen and heard its delay, rounded to steps,
            earlier.
    """
    first = round(window.start / target.step) + target.delay_steps  # one delay for all windows
    count = round((window.end - window.start) / target.step)
    part = np.full((count, trace.shape[1]), np.nan, np.float32)
    there = trace[first : first + count]
    part[: len(there)] = there
    return part


def _columns(path: Path, dimensions: Sequence[str]) -> tuple[Numbers, Numbers]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"trace {path} cannot be read ({error}); {TRACE_FORMAT}") from error
    delimiter, text = split_header(text)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    except csv.Error as error:
        raise DataError(f"trace {path} is no CSV file ({error}); {TRACE_FORMAT}") from error
    found = [name.strip() for name in rows[0]] if rows else []
    names = [name.casefold() for name in found]
    missing = [name for name in ("time", *dimensions) if name.casefold() not in names]
    if missing or len(rows) < 2:
        raise DataError(
            f"trace {path} has {'no rows' if not missing else 'no column ' + missing[0]} (found: "
            f"{', '.join(found) or 'nothing'}); {TRACE_FORMAT}"
        )
    columns = [names.index(name.casefold()) for name in ("time", *dimensions)]
    comma = delimiter != ","  # then it may be a decimal one
    cells = [[_number(path, row, column, comma) for column in columns] for row in rows[1:]]
    table = np.array(cells, np.float64)
    times = table[:, 0]
    if np.isnan(times).any() or times[0] < 0 or (np.diff(times) <= 0).any():
        raise DataError(f"trace {path}: times must be there, rise and start at 0 or later")
    return times, table[:, 1:]


def _number(path: Path, row: Sequence[str], column: int, comma: bool) -> float:
    text = row[column].strip() if column < len(row) else ""
    try:
        value = float(text.replace(",", ".") if comma else text) if text else np.nan
    except ValueError as error:
        raise DataError(f"trace {path}: {text!r} is no number; {TRACE_FORMAT}") from error
    if abs(value) > float(np.finfo(np.float32).max):
        raise DataError(f"trace {path}: {text} is not finite, or too large")
    return value
