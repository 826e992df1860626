"""BAUM-1s (Zhalehpour et al. 2017): spontaneous emotions and mental states, in Turkish."""

import csv
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_warn
from typing_extensions import override

from emorec.data.module import EmotionDataModule
from emorec.errors import DataError
from emorec.extractors import Extractor
from emorec.system.files import walk_files
from emorec.types import Classes, Clip

EMOTIONS = {
    "anger": ("anger", "angry"),
    "disgust": ("disgust", "disgusted"),
    "fear": ("fear", "fearful", "afraid"),
    "happiness": ("happiness", "happy", "joy"),
    "sadness": ("sadness", "sad"),
    "surprise": ("surprise", "surprised"),
}
COUNTS = {"anger": 56, "disgust": 80, "fear": 37, "happiness": 173, "sadness": 134, "surprise": 41}
LAYOUT = """expected the clips of BAUM-1s, in any depth of folders, and their annotations:
  ROOT/s001/S001_001.mp4
  ROOT/Annotations_BAUM1s.csv   (the distributed spreadsheet, exported as CSV; data.annotations)
with a line per clip: its name in column 'Clip Name' (data.clip_column) and its emotion in column
'Emotion' (data.emotion_column), separated by comma, semicolon or tab"""


class BAUM1s(EmotionDataModule):
    """BAUM-1s, https://doi.org/10.1109/TAFFC.2016.2553038; licence: ask the authors.

    1184 spontaneous clips of 31 subjects in 13 states. The six basic emotions are kept, under any
    usual name (``Angry`` is anger): 521 clips in Ma et al. 2020, anger 56, disgust 80,
    fear 37, happiness 173, sadness 134, surprise 41. Others (boredom, contempt, neutral, mental
    states) and files without annotation are left out. Speech is spontaneous: clips have no
    text. The acted set, BAUM-1a, is not read.

    Unverified: the names of the columns (public code reads ``Clip Name`` and ``Emotion`` in the
    annotations of BAUM-1a) and the spelling of the emotions.

    Args:
        root: Folder with the subjects' folders of BAUM-1s, in any depth.
        extractors: Modality -> extractor.
        annotations: CSV with a line per clip; None: the only CSV in ``root``. The distributed
            spreadsheet must be exported to CSV.
        clip_column: Column of the clip's name, case-insensitive; default unverified.
        emotion_column: Column of the emotion's name; default unverified.
        subject_column: Column of the subject, the group of a clip; None (unverified): the part of
            the clip's name before the underscore.
        options: Options of the base class.
    """

    layout = LAYOUT

    def __init__(
        self,
        root: Path,
        extractors: dict[str, Extractor],
        annotations: Path | None = None,
        clip_column: str = "Clip Name",
        emotion_column: str = "Emotion",
        subject_column: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(root, extractors, **options)
        self.annotations = None if annotations is None else Path(annotations).expanduser()
        self.columns = {"clip_column": clip_column, "emotion_column": emotion_column}
        if subject_column is not None:
            self.columns["subject_column"] = subject_column
        self.targets = {"emotion": Classes(list(EMOTIONS))}
        self.save_hyperparameters(logger=False)

    @override
    @property
    def published(self) -> dict[str, int]:
        return {"clips": sum(COUNTS.values()), **COUNTS}

    @override
    def clips(self) -> list[Clip]:
        """Return one clip per annotated file of a basic emotion."""
        table, files = self._table(), self._files()
        listed = self._listed(table)
        missing = sorted(set(listed) - set(files))
        if missing:
            rank_zero_warn(
                f"{len(missing)} of {len(listed)} clips of the six emotions in {table} have no "
                f"file in {self.root}, for instance {missing[0]}; they are left out"
            )
        return [
            Clip(name, files[name], {"emotion": list(EMOTIONS).index(emotion)}, group=subject)
            for name, (emotion, subject) in sorted(listed.items())
            if name in files
        ]

    def _files(self) -> dict[str, Path]:
        files: dict[str, Path] = {}
        for path in walk_files(self.root):
            media, name = path.relative_to(self.root), path.stem.upper()
            if path.suffix.lower() != ".mp4" or name.startswith("."):
                continue
            if name in files:
                raise DataError(
                    f"{name} is twice in {self.root}: {files[name]} and {media}. Keep one, and "
                    "keep only the clips of BAUM-1s in data.root, without BAUM-1a"
                )
            files[name] = media
        return files

    def _table(self) -> Path:
        found = [self.annotations] if self.annotations else sorted(self.root.glob("[!.]*"))
        tables = [path for path in found if path.is_file() and path.suffix.lower() == ".csv"]
        if len(tables) != 1:
            raise DataError(
                f"{self.annotations or self.root}: expected one CSV with the annotations, found "
                f"{', '.join(map(str, tables)) or 'none'}; name it in data.annotations; {LAYOUT}"
            )
        return tables[0]

    def _listed(self, table: Path) -> dict[str, tuple[str, str]]:
        """Return clip name -> (class, subject), for the six emotions."""
        lines = table.read_text(encoding="utf-8-sig", errors="replace").splitlines() or [""]
        head, *rows = csv.reader(lines, delimiter=max(",;\t", key=lines[0].count))
        places = {name.strip().lower(): place for place, name in enumerate(head)}
        for option, name in self.columns.items():
            if name.strip().lower() not in places:
                raise DataError(
                    f"{table} has no column {name!r} (found: {', '.join(head) or 'nothing'}); "
                    f"name the right one in data.{option}; {LAYOUT}"
                )
        columns = [places[name.strip().lower()] for name in self.columns.values()]
        listed: dict[str, tuple[str, str]] = {}
        for row in rows:
            name, word, *subject = [row[c].strip() if c < len(row) else "" for c in columns]
            if not (name := name.upper().removesuffix(".MP4")):
                continue
            emotion = next((e for e, words in EMOTIONS.items() if word.lower() in words), "")
            if not subject and "_" not in name:
                raise DataError(f"{table}: {name!r} names no subject; set data.subject_column")
            value = emotion, subject[0] if subject else name.split("_")[0]
            if listed.setdefault(name, value) != value:
                raise DataError(f"{table} lists {name} twice, with different values: correct it")
        listed = {name: value for name, value in listed.items() if value[0]}
        if not listed:
            raise DataError(
                f"{table} has none of {', '.join(EMOTIONS)} in column "
                f"{self.columns['emotion_column']!r}; name the right one in data.emotion_column"
            )
        return listed
