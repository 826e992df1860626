"""The rows of a manifest, and the clips that they describe."""

import codecs
import csv
import difflib
import io
import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PureWindowsPath
from typing import Any

from lightning.pytorch.utilities import rank_zero_info

from emorec.errors import DataError
from emorec.extractors.sidecars import with_whole_paths
from emorec.system.delimiter import split_header
from emorec.types import Clip

TRAITS = ("sex", "age")
SIDECAR = "sidecar_"
COLUMNS = (
    "path",
    "label",
    "trace",
    "group",
    "split",
    "start",
    "end",
    "text",
    "dialogue",
    *TRAITS,
    "id",
)
# Other common names of these columns, without underscores: an unread column with such a name, or
# with id, name, path, seconds, ... appended, is a mistake.
ALSO_CALLED = {
    "path": "file media clippath video audio wav",
    "label": "labels emotion emotions class category target",
    "trace": "traces annotation annotations",
    "group": "groups speaker speakers spk subject actor participant person talker user client",
    "split": "splits part partition subset set",
    "start": "begin starttime begintime onset from starts tstart",
    "end": "stop endtime stoptime offset to ends tend",
    "text": "transcript transcription sentence utterance",
    "dialogue": "dialog dialogs dialogues conversation conversations",
    "sex": "gender",
    "id": "clipid clipname",
}
# Words that resemble a column's name but mean something else.
WORDS = frozenset({"race", "state", "status", "stat", "patch", "pages", "page", "stage"})
FORMAT = """expected a CSV file (comma, semicolon or tab) with a header line, or JSON lines, with
  path    media file, relative to the manifest's folder or absolute; optional for a clip with an id
          and a sidecar
  label   one of the classes; empty: an unlabelled clip (required, unless data.dimensions are
          given without data.classes)
  trace   required with data.dimensions: CSV file of the recording's values, relative as path is,
          with columns time (seconds from the start of the media file, rising) and one per
          dimension; empty: an unlabelled recording
  group   speaker, for speaker-disjoint splits
  split   train, val or test, for split: official
  start   with end, in seconds: the part of the file that is the clip
  text    the spoken words, or the number of the sentence, for split: held_out_text
  dialogue  name of the conversation that the clip is an utterance of, for data.context: dialogue
  sex     and age, of the speaker: results are also broken down by them
  sidecar_NAME  further file of the clip, relative as path is: read by an extractor under that name
          (features, a transcript), or the sound or picture of the modality NAME
  id      name of the clip; the path if it is missing"""


def read_rows(
    manifest: Path, required: Collection[str], used: Collection[str] = COLUMNS
) -> Sequence[dict[str, Any]]:
    """Return the rows of a CSV (.csv) or JSON-lines file as column -> value.

    Column names are matched ignoring case and extra blanks. Columns that are not read are
    reported once.

    Args:
        manifest: The file, UTF-8 (or UTF-16 with a byte-order mark, as Excel writes it).
        required: Columns that it must have; not ``path`` if it has ids and sidecars.
        used: Columns that the caller reads.

    Raises:
        DataError: It is missing, cannot be read, lacks a column, has one twice, or has an unread
            one whose name resembles one that would be read.
    """
    if not manifest.is_file():
        raise DataError(f"manifest {manifest} not found; {FORMAT}")
    content = manifest.read_bytes()
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"manifest {manifest} is not UTF-8: {error}; save it as UTF-8 (in Excel: 'CSV UTF-8')"
        ) from error
    if manifest.suffix.lower() in (".csv", ".tsv"):
        text = text.lstrip("\r\n")
        delimiter, text = split_header(text)
        reader = csv.DictReader(io.StringIO(text), strict=True, delimiter=delimiter)
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
                f"manifest {manifest} is not valid CSV from line {reader.line_num + 1} on "
                f"({error}); is a quote left open?"
            ) from error
        found = [str(name) for name in reader.fieldnames or []]
    else:
        try:
            rows = [json.loads(line) for line in text.split("\n") if line.strip()]
        except json.JSONDecodeError as error:
            raise DataError(f"manifest {manifest} is not JSON lines: {error}") from error
        if not all(isinstance(row, dict) for row in rows):
            raise DataError(f"manifest {manifest} has a line that is not a JSON object")
        found = sorted({name for row in rows for name in row})
    names = _column_names(manifest, found)
    given = set(names.values())
    missing = set(required) - given
    if "id" in given and any(name.startswith(SIDECAR) for name in given):
        missing -= {"path"}  # clips with only sidecars
    if missing:
        like = [name for name, low in names.items() if _meant(low) in missing]
        hint = f"; is it {' and '.join(map(repr, like))}?" if like else ""
        raise DataError(
            f"manifest {manifest} has no {' and no '.join(sorted(missing))} "
            f"(found: {', '.join(found) or 'nothing'}){hint}; {FORMAT}"
        )
    _check_unread(manifest, names, used)
    return [{names[str(name)]: value for name, value in row.items()} for row in rows]


def _column_names(manifest: Path, found: Sequence[str]) -> dict[str, str]:
    """Return column as written -> as read.

    Raises:
        DataError: Two differ only in case and blanks.
    """
    names: dict[str, str] = {}
    for name, count in Counter(found).items():
        if count > 1 and name.strip():
            raise DataError(f"manifest {manifest} has the column {name!r} {count} times")
        # "\ufeff" also occurs inside concatenated files.
        plain = re.sub(r"[\s\u200b\ufeff]+", " ", name).strip().strip("\"'").strip()
        low = plain.casefold()
        names[name] = SIDECAR + plain[len(SIDECAR) :].strip() if low.startswith(SIDECAR) else low
    twice = [low for low, count in Counter(names.values()).items() if count > 1 and low]
    if twice:
        written = ", ".join(repr(name) for name, low in names.items() if low == twice[0])
        raise DataError(f"manifest {manifest} has the column {twice[0]} twice: {written}")
    return names


def _check_unread(manifest: Path, names: Mapping[str, str], used: Collection[str]) -> None:
    """Report the columns that are not read.

    Raises:
        DataError: One resembles a column that would be read but is missing.
    """
    present = set(names.values())
    unread = [name for name, low in names.items() if low not in COLUMNS and low]
    unread = [name for name in unread if not names[name].startswith(SIDECAR)]
    for name in unread:
        meant = _meant(names[name])
        if meant in used and meant not in present:
            raise DataError(
                f"manifest {manifest}: the column {name!r} is not read; is {meant!r} meant? Rename "
                f"it so, or give it a name that does not resemble one of {', '.join(COLUMNS)}"
            )
    if unread:
        _report_once(manifest, tuple(unread))


def _meant(name: str) -> str | None:
    """Return the column that a name resembles, if any."""
    plain = re.sub(r"[\W_]+", "", name)
    if plain.startswith("sidecar") or plain in WORDS:
        return None
    for column, others in ALSO_CALLED.items():
        for known in (column, *others.split()):
            if re.fullmatch(rf"{known}(id|name|label|path|sec|secs|seconds|ms)?", plain):
                return column
    near = difflib.get_close_matches(plain, [c for c in COLUMNS if len(c) > 3], 1, 0.8)
    return near[0] if near else None


@lru_cache(256)  # a set is read several times per process
def _report_once(manifest: Path, columns: tuple[str, ...]) -> None:
    rank_zero_info(f"manifest {manifest}: not read: {', '.join(columns)}")


def read_clips(manifest: Path, root: Path | None = None) -> list[Clip]:
    """Return the clips of a manifest, without labels, with absolute paths.

    Args:
        manifest: The file.
        root: Folder that its paths are relative to; None: its own.

    Raises:
        DataError: The manifest is missing or not as expected.
    """
    unlabelled = set(COLUMNS) - {"label", "trace", "group", "split", *TRAITS}
    rows = enumerate(read_rows(manifest, {"path"}, unlabelled), start=1)
    folder = root or manifest.parent
    clips = [clip_of(row, f"{manifest}, clip {number}", folder) for number, row in rows]
    return [with_whole_paths(clip, folder) for clip in clips]


def unlabelled_clips(manifest: Path) -> list[Clip]:
    """Return the clips of an unlabelled corpus that supplements a labelled one in training.

    Their paths are absolute. Their ids and groups start with the manifest's name, so that no clip
    or speaker is confused with one of the other set.

    Args:
        manifest: As ``Manifest`` reads it; columns of labels are neither needed nor read.

    Raises:
        DataError: The manifest is missing or not as expected.
    """
    file = Path(manifest).expanduser()
    return [
        replace(
            clip,
            id=f"{file.stem}/{clip.id}",
            group=f"{file.stem} {clip.group}" if clip.group else "",
            dialogue=f"{file.stem} {clip.dialogue}" if clip.dialogue else "",
            split="train",
        )
        for clip in read_clips(file)
    ]


def clip_of(row: dict[str, Any], where: str, root: Path) -> Clip:
    """Return the clip of a row, without labels.

    Args:
        row: Column -> value.
        where: How messages refer to the row.
        root: Folder that its paths are relative to.

    Raises:
        DataError: No file is given, or a cell is not as expected.
    """
    path, name = text_of(row, "path"), text_of(row, "id")
    sidecars = sidecars_of(row, where, root)
    if not path and not sidecars:
        raise DataError(f"{where}: no path, and no sidecar; {FORMAT}")
    if not path and not name:
        raise DataError(f"{where}: a clip without a path needs an id; {FORMAT}")
    span = span_of(row, where)
    return Clip(
        name or (f"{path}@{span[0]:g}-{span[1]:g}" if span else path),
        path_of(path, root) if path else None,
        group=text_of(row, "group"),
        split=text_of(row, "split") or None,
        text=text_of(row, "text"),
        span=span,
        traits={name: text_of(row, name) for name in TRAITS if text_of(row, name)},
        sidecars=sidecars,
        dialogue=text_of(row, "dialogue"),
    )


def span_of(row: dict[str, Any], where: str) -> tuple[float, float] | None:
    """Return the part of the file that is the clip, in seconds; None: all of it.

    Raises:
        DataError: ``start`` and ``end`` are not numbers, or not in this order.
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


def path_of(text: str, root: Path) -> Path:
    """Return a path; a Windows one, with backslashes, is converted if only that exists."""
    path = Path(text)
    if "\\" not in text or (root / path).exists():
        return path
    other = Path(PureWindowsPath(text).as_posix())
    return other if (root / other).exists() else path


def sidecars_of(row: dict[str, Any], where: str, root: Path) -> dict[str, Path]:
    """Return the files that the columns ``sidecar_NAME`` name; an empty cell is none.

    Raises:
        DataError: A column has no NAME.
    """
    columns = [str(name) for name in row if str(name).startswith(SIDECAR)]
    if SIDECAR in columns:
        raise DataError(
            f"{where}: the column {SIDECAR} lacks a NAME; expected one such as sidecar_text"
        )
    return {
        column.removeprefix(SIDECAR): path_of(text_of(row, column), root)
        for column in columns
        if text_of(row, column)
    }


def text_of(row: dict[str, Any], name: str) -> str:
    """Return a cell as stripped text; empty if it is missing."""
    value = row.get(name)
    return "" if value is None else str(value).strip()
