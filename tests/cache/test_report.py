import csv
from pathlib import Path

import pytest

from emorec.cache import Entry, write_report
from emorec.system.findings import Finding, FindingKind

FACELESS = Finding(FindingKind.ABSENT, "face", 2, 3)
DAMAGED = Finding(FindingKind.DAMAGED, "video", 7)
MUTE = Finding(FindingKind.MISSING, "sound")
ENTRIES = [
    Entry("a", "a.mp4", "ok", duration=2.5, windows=[[0.0, 0.5]] * 3, facts={"level": 0.1}),
    Entry("b", "ü, b.mp4", "ok", findings=[FACELESS, DAMAGED], facts={"faces": 2}),
    Entry("c", "c.mp4", "skipped", reason="no file (c.mp4)", brief="no file"),
    Entry("d", "d.mp4", "skipped", reason="nothing (one)", brief="nothing"),
    Entry("e", "e.mp4", "skipped", reason="nothing (two)", brief="nothing", findings=[MUTE]),
]


ODD = "no face in 2 of 3 windows; damaged: 7 video packets left out"


def test_each_clip_has_a_row_with_what_was_measured(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.csv"
    write_report(ENTRIES, path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["id", "path", "status", "reason", "warnings", "seconds", "windows", "faces", "level"],
        ["a", "a.mp4", "ok", "", "", "2.5", "3", "", "0.1"],
        ["b", "ü, b.mp4", "ok", "", ODD, "0.0", "0", "2", ""],
        ["c", "c.mp4", "skipped", "no file (c.mp4)", "", "0.0", "0", "", ""],
        ["d", "d.mp4", "skipped", "nothing (one)", "", "0.0", "0", "", ""],
        ["e", "e.mp4", "skipped", "nothing (two)", "no sound", "0.0", "0", "", ""],
    ]


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        (
            ENTRIES,
            "5 clips: 2 ok (1 with warnings), 3 skipped (2 nothing; 1 no file)",
        ),
        (
            [
                Entry(f"{n}", "a.mp4", "skipped", reason=f"{brief} ({n} s)", brief=brief)
                for n, brief in enumerate(["empty (of 0 s)", "late", "empty (of 0 s)"])
            ],
            "3 clips: 0 ok (0 with warnings), 3 skipped (2 empty (of 0 s); 1 late)",
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
