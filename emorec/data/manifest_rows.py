"""The rows of a manifest, and what their cells say."""

import csv
import io
import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from emorec.data.delimiter import delimiter_of
from emorec.data.errors import DataError
from emorec.types import Clip

TRAITS = ("sex", "age")
SIDECAR = "sidecar_"
FORMAT = """expected a CSV file (comma, semicolon or tab) with a header line, or JSON lines, with
  path    media file, relative to the manifest's folder or absolute (required)
  label   one of the classes; empty: an unlabelled clip (required, but not where there are
          data.dimensions and no data.classes)
  trace   required with data.dimensions: CSV file of the recording's values, relative as path is,
          with columns time (seconds from the start of the media file, rising) and one a dimension;
          empty: an unlabelled recording
  group   speaker, for speaker-disjoint splits
  split   train, val or test, for split: official
  start   with end, in seconds: the part of the file that is the clip
  text    what is said, or its number, for split: held_out_text
  sex     and age, of the speaker: results are given by them as well
  sidecar_NAME  further file of the clip, relative as path is: what an extractor reads by that name
          (features, a transcript), or the sound or picture of the modality NAME
  id      name of the clip; the path where it is missing"""


def read_rows(manifest: Path, required: Collection[str]) -> Sequence[dict[str, Any]]:
    """Return the rows of a CSV (.csv) or JSON-lines file as column -> value.

    Args:
        manifest: The file, UTF-8.
        required: Columns that it must have.

    Raises:
        DataError: It is missing, cannot be read, or lacks a column.
    """
    if not manifest.is_file():
        raise DataError(f"manifest {manifest} not found; {FORMAT}")
    try:
        text = manifest.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"manifest {manifest} is not UTF-8: {error}") from error
    if manifest.suffix.lower() == ".csv":
        reader = csv.DictReader(io.StringIO(text), strict=True, delimiter=delimiter_of(text))
        rows: list[dict[str, Any]] = []
        try:
            for row in reader:
                more = [cell for cell in row.pop(None, ()) if cell.strip()]
                if more:
                    raise DataError(
                        f"manifest {manifest}, line {reader.line_num}: more cells than the header "
                        f"has ({', '.join(more)} beyond it); a text with a comma needs quotes"
                    )
                rows.append(row)
        except csv.Error as error:
            raise DataError(
                f"manifest {manifest} is no CSV file from line {reader.line_num + 1} on ({error}); "
                "is a quote open?"
            ) from error
        found = [str(name) for name in reader.fieldnames or []]
    else:
        try:
            rows = [json.loads(line) for line in text.split("\n") if line.strip()]
        except json.JSONDecodeError as error:
            raise DataError(f"manifest {manifest} is not JSON lines: {error}") from error
        if not all(isinstance(row, dict) for row in rows):
            raise DataError(f"manifest {manifest} has a line that is no JSON object")
        found = sorted({name for row in rows for name in row})
    missing = set(required) - set(found)
    if missing:
        raise DataError(
            f"manifest {manifest} has no {' and no '.join(sorted(missing))} "
            f"(found: {', '.join(found) or 'nothing'}); {FORMAT}"
        )
    return rows


def read_clips(manifest: Path, root: Path | None = None) -> list[Clip]:
    """Return the clips of a manifest, without labels, with paths that are good anywhere.

    Args:
        manifest: The file.
        root: Folder that its paths are relative to; its own where None.

    Raises:
        DataError: The manifest is missing or not as expected.
    """
    rows = enumerate(read_rows(manifest, {"path"}), start=1)
    clips = [clip_of(row, f"{manifest}, clip {number}") for number, row in rows]
    folder = root or manifest.parent
    return [
        replace(
            clip,
            media=(folder / clip.media).absolute(),
            sidecars={name: (folder / path).absolute() for name, path in clip.sidecars.items()},
        )
        for clip in clips
    ]


def clip_of(row: dict[str, Any], where: str) -> Clip:
    """Return the clip of a row, without labels.

    Raises:
        DataError: There is no path, or a cell is not as expected.
    """
    path = text_of(row, "path")
    if not path:
        raise DataError(f"{where}: no path; {FORMAT}")
    span = span_of(row, where)
    return Clip(
        text_of(row, "id") or (f"{path}@{span[0]:g}-{span[1]:g}" if span else path),
        Path(path),
        group=text_of(row, "group"),
        split=text_of(row, "split") or None,
        text=text_of(row, "text"),
        span=span,
        traits={name: text_of(row, name) for name in TRAITS if text_of(row, name)},
        sidecars=sidecars_of(row, where),
    )


def span_of(row: dict[str, Any], where: str) -> tuple[float, float] | None:
    """Return the part of the file that is the clip, in seconds; None: all of it.

    Raises:
        DataError: ``start`` and ``end`` are no seconds, or not in this order.
    """
    texts = text_of(row, "start"), text_of(row, "end")
    if not any(texts):
        return None
    try:
        start, end = (float(text) for text in texts)
    except ValueError as error:
        raise DataError(f"{where}: start and end are {texts}; expected seconds") from error
    if not 0 <= start < end:
        raise DataError(f"{where}: the clip is from {start} to {end} s; expected 0 <= start < end")
    return start, end


def sidecars_of(row: dict[str, Any], where: str) -> dict[str, Path]:
    """Return the files that the columns ``sidecar_NAME`` name; an empty cell is none.

    Raises:
        DataError: A column has no NAME.
    """
    columns = [str(name) for name in row if str(name).startswith(SIDECAR)]
    if SIDECAR in columns:
        raise DataError(f"{where}: the column {SIDECAR} has no name; expected such as sidecar_text")
    return {
        column.removeprefix(SIDECAR): Path(text_of(row, column))
        for column in columns
        if text_of(row, column)
    }


def text_of(row: dict[str, Any], name: str) -> str:
    """Return a cell as text without spaces around it; empty where there is none."""
    value = row.get(name)
    return "" if value is None else str(value).strip()
