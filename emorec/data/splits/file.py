"""``split.csv``: which clip is in which part of a run."""

import csv
import io
from collections.abc import Collection, Mapping
from pathlib import Path

from emorec.data.splits.parts import Part
from emorec.errors import DataError
from emorec.system.files import write_text


def write_split(path: Path, parts: Mapping[str, Part]) -> None:
    """Write the part of each clip, atomically."""
    lines = io.StringIO()
    csv.writer(lines).writerows([("clip", "part"), *sorted(parts.items())])
    write_text(path, lines.getvalue())


def read_split(path: Path) -> dict[str, Part]:
    """Return clip -> part; empty if the file does not exist."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    parts: dict[str, Part] = {"train": "train", "val": "val", "test": "test"}
    return {row["clip"]: parts[row["part"]] for row in rows}


def check_resumed(parts: Mapping[str, Part], usable: Collection[str]) -> None:
    """Check that the clips of a run's split are still usable.

    Args:
        parts: Clip id -> part, of the resumed run; empty: no run is resumed.
        usable: Ids of usable clips.

    Raises:
        DataError: One is not.
    """
    lost = sorted(parts.keys() - set(usable))
    if lost:
        raise DataError(
            f"{len(lost)} clip(s) of this run's split are no longer usable, for instance "
            f"{lost[0]!r}; restore their files, or start again with --overwrite"
        )
