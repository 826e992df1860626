"""A user's own clips, listed in a CSV or JSON-lines file."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from emorec.cache import Windows
from emorec.data.module import DataError, EmotionDataModule, class_index, folder_digest
from emorec.data.splits import Split
from emorec.extractors import Extractor
from emorec.types import Clip

BASIC = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
FORMAT = """expected a CSV file with a header line, or JSON lines, with
  path    media file, relative to the manifest's folder or absolute (required)
  label   one of the classes; empty: an unlabelled clip (required)
  group   speaker, for speaker-disjoint splits
  split   train, val or test, for split: official
  id      name of the clip; the path where it is missing"""


class Manifest(EmotionDataModule):
    """Clips that a file lists: path, label, and optionally group, split and id.

    Args:
        manifest: CSV (.csv) or JSON lines (.jsonl, .json): one clip a line.
        extractors: Modality -> extractor.
        classes: Names of the classes; the six basic emotions by default.
        root: Folder that paths are relative to; the manifest's own where None.
        windows: See the base class.
        cache: See the base class.
        split: See the base class.
        seed: See the base class.
        batch_size: See the base class.
        workers: See the base class.
        augment: See the base class.
        labelled_share: See the base class.
    """

    def __init__(
        self,
        manifest: Path,
        extractors: dict[str, Extractor],
        classes: list[str] | None = None,
        root: Path | None = None,
        windows: Windows | None = None,
        cache: Path | None = None,
        split: Split = "random_clip",
        seed: int = 0,
        batch_size: int = 90,
        workers: int = 2,
        augment: nn.Module | None = None,
        labelled_share: float = 1.0,
    ) -> None:
        manifest = Path(manifest).expanduser()
        super().__init__(
            root or manifest.parent,
            extractors,
            windows,
            cache,
            split,
            seed,
            batch_size,
            workers,
            augment,
            labelled_share,
        )
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
            label = _text(row, "label")
            clips.append(
                Clip(
                    _text(row, "id") or path,
                    Path(path),
                    {"emotion": class_index(label, classes, where)} if label else {},
                    group=_text(row, "group"),
                    split=_text(row, "split") or None,
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
        missing = {"path", "label"} - set(found)
        if missing:
            raise DataError(
                f"manifest {self.manifest} has no {' and no '.join(sorted(missing))} "
                f"(found: {', '.join(found) or 'nothing'}); {FORMAT}"
            )
        return rows


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value).strip()
