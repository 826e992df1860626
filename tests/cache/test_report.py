import csv
from pathlib import Path

import pytest

from emorec.cache import Entry, write_report

ENTRIES = [
    Entry("a", "a.mp4", "ok", duration=2.5, windows=[[0.0, 0.5]] * 3, facts={"level": 0.1}),
    Entry("b", "ü, b.mp4", "ok", warnings=["no face", "damaged"], facts={"faces": 2}),
    Entry("c", "c.mp4", "skipped", reason="file not found"),
    Entry("d", "d.mp4", "skipped", reason="nothing usable (one)"),
    Entry("e", "e.mp4", "skipped", reason="nothing usable (two)", warnings=["no sound"]),
]


def test_there_is_a_row_a_clip_with_what_was_measured(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.csv"
    write_report(ENTRIES, path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["id", "path", "status", "reason", "warnings", "seconds", "windows", "faces", "level"],
        ["a", "a.mp4", "ok", "", "", "2.5", "3", "", "0.1"],
        ["b", "ü, b.mp4", "ok", "", "no face; damaged", "0.0", "0", "2", ""],
        ["c", "c.mp4", "skipped", "file not found", "", "0.0", "0", "", ""],
        ["d", "d.mp4", "skipped", "nothing usable (one)", "", "0.0", "0", "", ""],
        ["e", "e.mp4", "skipped", "nothing usable (two)", "no sound", "0.0", "0", "", ""],
    ]


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        (
            ENTRIES,
            "5 clips: 2 ok (1 with warnings), 3 skipped (2 nothing usable; 1 file not found)",
        ),
        (ENTRIES[:1], "1 clips: 1 ok (0 with warnings), 0 skipped"),
        ([], "0 clips: 0 ok (0 with warnings), 0 skipped"),
    ],
)
def test_the_line_counts_clips_warnings_and_reasons(
    tmp_path: Path, entries: list[Entry], line: str
) -> None:
    assert write_report(entries, tmp_path / "report.csv") == line


def test_a_report_is_replaced_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    write_report(ENTRIES, path)
    write_report(ENTRIES[:1], path)
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2
    assert list(tmp_path.iterdir()) == [path]
