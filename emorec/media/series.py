"""Series: numbers with times in a CSV file, such as physiological signals or annotations."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emorec.media.containers import MediaError
from emorec.system.delimiter import split_header
from emorec.types import Array

Numbers = NDArray[np.float64]
FORMAT = """expected a CSV file with a header line, a column time (seconds from the start of the \
recording, rising) and one column for each value; an empty value is a gap"""
LONGEST = 86400.0  # seconds


def read_series(path: Path, columns: Sequence[str]) -> tuple[Numbers, Numbers]:
    """Return times and values of a CSV file as :data:`FORMAT` says.

    Columns may be separated by commas, semicolons or tabs; with the latter two, numbers may have a
    decimal comma. Column names are case-insensitive; further columns are ignored.

    Args:
        path: The file, UTF-8.
        columns: Names of the values' columns.

    Returns:
        Times, float64 (n,), in seconds, from 0 on, rising, and values, float64 (n, columns), NaN
        in gaps.

    Raises:
        MediaError: The file is missing or not as expected.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MediaError("cannot be read", f"{error}; {FORMAT}") from error
    delimiter, text = split_header(text)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    except csv.Error as error:
        raise MediaError("is no CSV file", f"{error}; {FORMAT}") from error
    found = [name.strip() for name in rows[0]] if rows else []
    names = [name.casefold() for name in found]
    missing = [name for name in ("time", *columns) if name.casefold() not in names]
    if missing or len(rows) < 2:
        what = f"has no column {missing[0]}" if missing else "has no rows"
        raise MediaError(what, f"found: {', '.join(found) or 'nothing'}; {FORMAT}")
    wanted = [names.index(name.casefold()) for name in ("time", *columns)]
    comma = delimiter != ","  # then it may be a decimal one
    cells = [[_number(row, column, comma=comma) for column in wanted] for row in rows[1:]]
    table = np.array(cells, np.float64)
    times = table[:, 0]
    if np.isnan(times).any() or times[0] < 0 or (np.diff(times) <= 0).any():
        raise MediaError("has times that are missing, do not rise or begin before 0", FORMAT)
    if times[-1] > LONGEST:
        raise MediaError(
            "lasts longer than a day",
            f"times go up to {times[-1]:g}; expected seconds from the start of the recording, "
            "not milliseconds, frame numbers or time of day",
        )
    return times, table[:, 1:]


def resample(times: Numbers, values: Numbers, step: float) -> Array:
    """Return values at 0, ``step``, 2 ``step``, ... seconds.

    Values between two times are interpolated linearly, unless one of the two is a gap or they are
    more than a second (and two of the series' own steps) apart. Before the first and after the last
    time nothing is known.

    Args:
        times: float64 (n,), seconds, rising.
        values: float64 (n, dimensions); NaN is a gap.
        step: Seconds.

    Returns:
        float32 (steps, dimensions); NaN where nothing is known.
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


def _number(row: Sequence[str], column: int, *, comma: bool) -> float:
    text = row[column].strip() if column < len(row) else ""
    try:
        value = float(text.replace(",", ".") if comma else text) if text else np.nan
    except ValueError as error:
        raise MediaError("has a cell that is no number", f"{text!r}; {FORMAT}") from error
    if abs(value) > float(np.finfo(np.float32).max):
        raise MediaError("has a number that is not finite, or too large", text)
    return value
