"""The table of preprocessing results, clip by clip."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emorec.cache.entry import Entry
from emorec.system.files import write_text
from emorec.system.findings import all_in_words

COLUMNS = ("id", "path", "status", "reason", "warnings", "seconds", "windows")


def write_report(entries: Sequence[Entry], path: Path) -> str:
    """Write ``report.csv``, one row per clip, and return the line of counts.

    Columns: id, path, status, reason, warnings, seconds, windows, then what the extractors
    measured (``windows_with_face``, ``windows_with_sound``, ``sound_rms`` as RMS amplitude with
    full scale 1, ...).
    """
    facts = sorted({name for entry in entries for name in entry.facts})
    rows: list[list[Any]] = [[*COLUMNS, *facts]]
    for e in entries:
        notes = all_in_words(e.findings)
        fixed = [e.id, e.path, e.status, e.reason, notes, e.duration, len(e.windows)]
        rows.append([*fixed, *(e.facts.get(name, "") for name in facts)])
    _write(rows, path)
    return summary(entries)


def reports(folder: Path) -> list[Path]:
    """Return the reports in a cache's folder: the complete one and those of shards."""
    return sorted(folder.glob("report*.csv"))


def remove_row(path: Path, clip_id: str) -> None:
    """Remove a clip's row from a report."""
    with path.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    _write([head, *(row for row in rows if row[0] != clip_id)], path)


def _write(rows: Sequence[Sequence[Any]], path: Path) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text.getvalue())


def summary(entries: Sequence[Entry]) -> str:
    """Return one line of counts: clips, with warnings, skipped and why."""
    skipped = [entry for entry in entries if entry.status != "ok"]
    warned = sum(bool(entry.findings) for entry in entries if entry.status == "ok")
    line = f"{len(entries)} clips: {len(entries) - len(skipped)} ok ({warned} with warnings)"
    if not skipped:
        return f"{line}, 0 skipped"
    reasons = Counter(entry.brief for entry in skipped)
    listed = "; ".join(f"{count} {reason}" for reason, count in reasons.most_common(3))
    return f"{line}, {len(skipped)} skipped ({listed})"
