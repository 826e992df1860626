"""Series of a CSV file, as extractors and annotations read them."""

from pathlib import Path

import numpy as np
import pytest

from emorec.media import MediaError
from emorec.media.series import read_series


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_are_found_by_name_and_gaps_are_nan(tmp_path: Path) -> None:
    text = "Time;EDA;other;ecg\n0,0;1,5;x;2\n0,5;;y;3\n\n1,0;2,5;z;\n"
    times, values = read_series(write(tmp_path / "a.csv", text), ["ecg", "eda"])
    np.testing.assert_array_equal(times, [0.0, 0.5, 1.0])
    np.testing.assert_array_equal(values, [[2.0, 1.5], [3.0, np.nan], [np.nan, 2.5]])


@pytest.mark.parametrize(
    ("text", "brief"),
    [
        ("time,ecg\n0,1\n", "has no column eda"),
        ("time,eda\n", "has no rows"),
        ("", "has no column time"),
        ("time,eda\n0,calm\n", "has a cell that is no number"),
        ("time,eda\n0,inf\n", "has a number that is not finite, or too large"),
        ("time,eda\n1,1\n0,1\n", "has times that are missing, do not rise or begin before 0"),
        ("time,eda\n-1,1\n0,1\n", "has times that are missing, do not rise or begin before 0"),
        ("time,eda\n0,1\n90000,1\n", "lasts longer than a day"),
        (f"time,eda\n0,{'x' * 200_000}\n", "is no CSV file"),
    ],
)
def test_other_files_are_refused_by_a_brief_reason(text: str, brief: str, tmp_path: Path) -> None:
    with pytest.raises(MediaError) as found:
        read_series(write(tmp_path / "a.csv", text), ["eda"])
    assert found.value.brief == brief
    assert found.value.detail


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"time,eda\n0,\xff\xfe\n")
    for path in (tmp_path / "a.csv", tmp_path / "nothing.csv"):
        with pytest.raises(MediaError, match="cannot be read"):
            read_series(path, ["eda"])
