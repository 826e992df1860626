"""MELD (Poria et al. 2019): utterances from conversations of the TV series Friends."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_warn
from typing_extensions import override

from emorec.data.labels import class_index
from emorec.data.module import EmotionDataModule
from emorec.errors import DataError
from emorec.extractors import Extractor
from emorec.system.files import walk_files
from emorec.types import Classes, Clip

CLASSES = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
PARTS = {"train": "train", "dev": "val", "test": "test"}
FOLDERS = {
    "train": "train_splits",
    "dev": "dev_splits_complete",
    "test": "output_repeated_splits_test",
}
COLUMNS = {
    "text": "Utterance",
    "speaker": "Speaker",
    "emotion": "Emotion",
    "dialogue": "Dialogue_ID",
    "utterance": "Utterance_ID",
}
PUBLISHED = {"clips": 13708, "train": 9989, "val": 1109, "test": 2610}
# The training table has the apostrophes of Windows' encoding as control characters.
CONTROLS = {code: bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}
LAYOUT = """expected the archives of MELD.Raw unpacked, in any depth of folders:
  ROOT/train_sent_emo.csv                             (also dev_sent_emo.csv, test_sent_emo.csv)
  ROOT/train_splits/dia0_utt0.mp4
  ROOT/dev_splits_complete/dia0_utt0.mp4
  ROOT/output_repeated_splits_test/dia0_utt0.mp4      (other names: data.folders)"""


class MELD(EmotionDataModule):
    """MELD utterances, https://aclanthology.org/P19-1050, seven emotions.

    The tables list 13708 utterances: 9989 for training, 1109 for validation, 2610 for testing
    (split: official). That split shares speakers: the six main ones speak in all three parts. The
    group of a clip is its speaker by name; names such as ``All`` or ``Woman`` stand for several
    people. Several faces can be in the picture, and which one speaks is not stated.

    A listed utterance without a video is left out, with a warning (of the validation part,
    dia110_utt7); videos that no table lists are ignored, and a damaged one (of the training part,
    dia125_utt3) is skipped by preprocessing. Some are cut wrongly and last minutes (of the test
    part, dia38_utt4 and dia220_utt0): https://github.com/declare-lab/MELD/issues/20.

    The names of the columns are those of the tables at https://github.com/declare-lab/MELD. The
    names of the folders are what others use; they are not verified on a copy of the archives.

    Args:
        root: Folder with the tables and the videos, in any depth.
        extractors: Modality -> extractor.
        folders: ``train``, ``dev`` or ``test`` -> name of the folder of its videos, where it is
            not train_splits, dev_splits_complete or output_repeated_splits_test.
        columns: ``text``, ``speaker``, ``emotion``, ``dialogue`` or ``utterance`` -> name of the
            column, where it is not Utterance, Speaker, Emotion, Dialogue_ID or Utterance_ID.
        options: Options of the base class.
    """

    layout = LAYOUT

    def __init__(
        self,
        root: Path,
        extractors: dict[str, Extractor],
        folders: dict[str, str] | None = None,
        columns: dict[str, str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(root, extractors, **options)
        self.folders = _renamed("folders", FOLDERS, folders)
        self.columns = _renamed("columns", COLUMNS, columns)
        self.targets = {"emotion": Classes(list(CLASSES))}
        self.save_hyperparameters(logger=False)

    @override
    @property
    def published(self) -> dict[str, int]:
        return dict(PUBLISHED)

    @override
    def clips(self) -> list[Clip]:
        """Return one clip per listed utterance that has a video."""
        videos: dict[tuple[str, str], Path] = {}
        tables: dict[str, Path] = {}
        # The file nearest to the root counts, if archives were unpacked twice.
        for path in sorted(walk_files(self.root), key=lambda path: (len(path.parts), path)):
            if path.suffix == ".csv":
                tables.setdefault(path.name, path.relative_to(self.root))
            elif re.fullmatch(r"dia\d+_utt\d+\.mp4", path.name):
                videos.setdefault((path.parent.name, path.stem), path.relative_to(self.root))
        clips = []
        missing = []
        for part in PARTS:
            table = tables.get(f"{part}_sent_emo.csv")
            if table is None:
                raise DataError(f"{part}_sent_emo.csv is not below {self.root}; {LAYOUT}")
            for row, where in self._rows(table):
                name = f"dia{row['dialogue']}_utt{row['utterance']}"
                label = row["emotion"].lower()
                video = videos.get((self.folders[part], name))
                if video is None:
                    missing.append(f"{part}_{name}")
                    continue
                clips.append(
                    Clip(
                        f"{part}_{name}",
                        video,
                        {"emotion": class_index(label, CLASSES, where)} if label else {},
                        group=row["speaker"],
                        split=PARTS[part],
                        text=row["text"],
                        sidecars={"table": table},
                        dialogue=f"{part}_dia{row['dialogue']}",
                    )
                )
        if clips and missing:
            rank_zero_warn(
                f"{len(missing)} of {len(clips) + len(missing)} utterances that the tables of MELD "
                f"list have no video below {self.root} and are left out: "
                f"{', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}"
            )
        return clips

    def _rows(self, table: Path) -> Iterator[tuple[dict[str, str], str]]:
        """Yield each row of a table, and its place for messages."""
        path = self.root / table
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:  # saved again by a spreadsheet program
            text = path.read_text(encoding="cp1252", errors="replace")
        reader = csv.DictReader(io.StringIO(text.translate(CONTROLS)))
        absent = sorted(set(self.columns.values()) - set(reader.fieldnames or []))
        if absent:
            raise DataError(
                f"{path} has no column {' and no '.join(absent)} (found: "
                f"{', '.join(reader.fieldnames or []) or 'nothing'}); name it in data.columns"
            )
        for line in reader:
            row = {key: (line[name] or "").strip() for key, name in self.columns.items()}
            yield row, f"{path}, line {reader.line_num}"


def _renamed(option: str, defaults: dict[str, str], names: dict[str, str] | None) -> dict[str, str]:
    unknown = sorted(set(names or {}) - set(defaults))
    if unknown:
        raise DataError(
            f"data.{option} names {unknown[0]!r}; expected one of {', '.join(defaults)}"
        )
    return {**defaults, **(names or {})}
