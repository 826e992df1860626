"""A user's own clips, listed in a CSV or JSON-lines file."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emorec.data.errors import DataError
from emorec.data.labels import class_index
from emorec.data.module import EmotionDataModule
from emorec.data.root import folder_digest
from emorec.extractors import Extractor
from emorec.types import Clip

BASIC = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
TRAITS = ("sex", "age")
SIDECAR = "sidecar_"
FORMAT = """expected a CSV file with a header line, or JSON lines, with
  path    media file, relative to the manifest's folder or absolute (required)
  label   one of the classes; empty: an unlabelled clip (required)
  group   speaker, for speaker-disjoint splits
  split   train, val or test, for split: official
  start   with end, in seconds: the part of the file that is the clip
  text    what is said, or its number, for split: held_out_text
  sex     and age, of the speaker: results are given by them as well
  sidecar_NAME  further file of the clip, relative as path is: what an extractor reads by that name
          (features, a transcript), or the sound or picture of the modality NAME
  id      name of the clip; the path where it is missing"""


class Manifest(EmotionDataModule):
    """Clips that a file lists: path, label, and and what :data:`FORMAT` lists.

    Args:
        manifest: CSV (.csv) or JSON lines (.jsonl, .json): one clip a line.
        extractors: Modality -> extractor.
        classes: Names of the classes; the six basic emotions by default.
        root: Folder that paths are relative to; the manifest's own where None.
        options: Of the base class.
    """

    needed = frozenset({"path", "label"})

    def __init__(
        self,
        manifest: Path,
        extractors: dict[str, Extractor],
        classes: list[str] | None = None,
        root: Path | None = None,
        **options: Any,
    ) -> None:
        manifest = Path(manifest).expanduser()
        super().__init__(root or manifest.parent, extractors, **options)
        self.manifest = manifest
        self.targets = {"emotion": list(classes or BASIC)}
        self.save_hyperparameters(logger=False)

    @property
    def set_name(self) -> str:
        """The manifest's name and a digest of its folder: two sets never share a cache."""
        return f"{self.manifest.stem}-{folder_digest(self.root)}"

    @property
    def expected(self) -> str:
        """The format of a manifest."""
        return FORMAT

    def clips(self) -> list[Clip]:
        """Return one clip a line; see the base class."""
        classes = self.targets["emotion"]
        clips = []
        for number, row in enumerate(self._rows(), start=1):
            where = f"{self.manifest}, clip {number}"
            path = _text(row, "path")
            if not path:
                raise DataError(f"{where}: no path; {FORMAT}")
            label, span = _text(row, "label"), _span(row, where)
            label = label if "label" in self.needed else ""
            clips.append(
                Clip(
                    _text(row, "id") or (f"{path}@{span[0]:g}-{span[1]:g}" if span else path),
                    Path(path),
                    {"emotion": class_index(label, classes, where)} if label else {},
                    group=_text(row, "group"),
                    split=_text(row, "split") or None,
                    text=_text(row, "text"),
                    span=span,
                    traits={name: _text(row, name) for name in TRAITS if _text(row, name)},
                    sidecars=_sidecars(row, where),
                )
            )
        return clips

    def _rows(self) -> Sequence[dict[str, Any]]:
        if not self.manifest.is_file():
            raise DataError(f"manifest {self.manifest} not found; {FORMAT}")
        try:
            text = self.manifest.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(f"manifest {self.manifest} is not UTF-8: {error}") from error
        if self.manifest.suffix.lower() == ".csv":
            reader = csv.DictReader(io.StringIO(text))
            rows: list[dict[str, Any]] = list(reader)
            found = [str(name) for name in reader.fieldnames or []]
        else:
            try:
                rows = [json.loads(line) for line in text.splitlines() if line.strip()]
            except json.JSONDecodeError as error:
                raise DataError(f"manifest {self.manifest} is not JSON lines: {error}") from error
            if not all(isinstance(row, dict) for row in rows):
                raise DataError(f"manifest {self.manifest} has a line that is no JSON object")
            found = sorted({name for row in rows for name in row})
        missing = self.needed - set(found)
        if missing:
            raise DataError(
                f"manifest {self.manifest} has no {' and no '.join(sorted(missing))} "
                f"(found: {', '.join(found) or 'nothing'}); {FORMAT}"
            )
        return rows


def _span(row: dict[str, Any], where: str) -> tuple[float, float] | None:
    texts = _text(row, "start"), _text(row, "end")
    if not any(texts):
        return None
    try:
        start, end = (float(text) for text in texts)
    except ValueError as error:
        raise DataError(f"{where}: start and end are {texts}; expected seconds") from error
    if not 0 <= start < end:
        raise DataError(f"{where}: the clip is from {start} to {end} s; expected 0 <= start < end")
    return start, end


def _sidecars(row: dict[str, Any], where: str) -> dict[str, Path]:
    """Return the files that the columns ``sidecar_NAME`` name; an empty cell is none."""
    columns = [str(name) for name in row if str(name).startswith(SIDECAR)]
    if SIDECAR in columns:
        raise DataError(f"{where}: the column {SIDECAR} has no name; expected such as sidecar_text")
    return {
        column.removeprefix(SIDECAR): Path(_text(row, column))
        for column in columns
        if _text(row, column)
    }


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value).strip()
