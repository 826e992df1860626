"""``split.csv``: which clip is in which part of a run."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from emorec.data.splits.parts import Part
from emorec.system.files import write_text


def write_split(path: Path, parts: Mapping[str, Part]) -> None:
    """Write clip and part of each clip, whole or not at all."""
    lines = io.StringIO()
    csv.writer(lines).writerows([("clip", "part"), *sorted(parts.items())])
    write_text(path, lines.getvalue())


def read_split(path: Path) -> dict[str, Part]:
    """Return clip -> part; nothing where there is no such file."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    parts: dict[str, Part] = {"train": "train", "val": "val", "test": "test"}
    return {row["clip"]: parts[row["part"]] for row in rows}
