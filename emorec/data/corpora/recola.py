"""RECOLA as released for AVEC 2016."""

from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from emorec.data.module import EmotionDataModule
from emorec.data.splits.parts import Part, Split
from emorec.errors import DataError
from emorec.extractors import Extractor
from emorec.media.series import resample
from emorec.types import Array, Clip, Values
from emorec.windows import SlidingWindows, Windows

PARTS: dict[str, Part] = {"train": "train", "dev": "val", "test": "test"}
VIDEO = (".mp4", ".avi", ".mov")
LAYOUT = """expected
  ROOT/recordings_audio/train_1.wav ... dev_9.wav, test_9.wav
  ROOT/recordings_video/train_1.mp4 ...
  ROOT/ratings_gold_standard/arousal/train_1.arff ... and the same in valence (not for test)"""
DIMENSIONS = ("arousal", "valence")
STEP = 0.04  # seconds, of the gold standard


class RECOLA(EmotionDataModule):
    """RECOLA: 27 people, 5 minutes each, with arousal and valence every 40 ms.

    Ringeval et al. 2013, in the layout of AVEC 2016 (Valstar et al. 2016): nine recordings for
    training, nine for development, nine for testing, whose gold standard was not released. With
    ``split: official`` these are the parts; predictions for the test recordings are written without
    a score. Other splits use the recordings that have a gold standard.

    The corpus was not available: the layout comes from published code that reads it, and is tested
    on generated files of the same form.

    Args:
        root: Folder that has ``recordings_audio``.
        extractors: Modality -> extractor; one named ``audio`` reads the sound files.
        windows: Where recordings are cut; None: contiguous 6 s (Tzirakis et al. 2017).
        delay: Seconds by which the annotators lag; training shifts the gold standard by it, and
            predictions are shifted back. The paper does so after training instead.
        split: ``official``, or another one of the base class.
        options: Options of the base class.
    """

    targets = {"affect": Values(DIMENSIONS)}  # noqa: RUF012
    layout = LAYOUT

    def __init__(
        self,
        root: Path,
        extractors: dict[str, Extractor],
        windows: Windows | None = None,
        delay: float = 0.0,
        split: Split = "official",
        **options: Any,
    ) -> None:
        windows = windows or SlidingWindows()
        super().__init__(root, extractors, windows=windows, split=split, **options)
        if delay < 0:
            raise DataError(f"delay is at least 0 seconds, got {delay}")
        self.targets = {"affect": Values(DIMENSIONS, STEP, delay)}
        self.save_hyperparameters(logger=False)

    @override
    @property
    def published(self) -> dict[str, int]:
        """27 recordings, nine per part, of 27 people."""
        return {"clips": 27, "speakers": 27, "train": 9, "val": 9, "test": 9}

    @override
    def clips(self) -> list[Clip]:
        """Return one clip per recording."""
        folder = self.root / "recordings_audio"
        sounds = {path.stem: path for path in sorted(folder.glob("*.wav"))}
        videos = {
            path.stem: path
            for path in sorted((self.root / "recordings_video").glob("*"))
            if path.suffix.lower() in VIDEO
        }
        names = sorted({*sounds, *videos}, key=_order)
        unknown = [name for name in names if name.partition("_")[0] not in PARTS]
        if unknown:
            raise DataError(f"{self.root}: recording {unknown[0]!r} is in no part; {LAYOUT}")
        clips = []
        for name in names:
            has_gold = all(path.is_file() for path in self._gold(name))
            if not has_gold and self.split != "official":
                continue
            media = videos.get(name, sounds.get(name))
            assert media is not None
            clips.append(
                Clip(
                    name,
                    media.relative_to(self.root),
                    {"affect": ()} if has_gold else {},
                    group=name,
                    split=PARTS[name.partition("_")[0]],
                    sidecars=(
                        {"audio": sounds[name].relative_to(self.root)} if name in sounds else {}
                    ),
                )
            )
        return clips

    @override
    def read_trace(self, clip: Clip, target: str) -> Array:
        """Return the two dimensions, each from its ARFF file."""
        columns = [resample(*read_arff(path), STEP) for path in self._gold(clip.id)]
        steps = min(map(len, columns))
        return np.concatenate([column[:steps] for column in columns], 1)

    def _gold(self, name: str) -> list[Path]:
        folder = self.root / "ratings_gold_standard"
        return [folder / dimension / f"{name}.arff" for dimension in self.targets["affect"].names]


def read_arff(path: Path) -> tuple[Any, Any]:
    """Return times, float64 (n,), in seconds, and values, float64 (n, 1), of a gold standard.

    Raises:
        DataError: It is not an ARFF file whose last two columns are time and value.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        start = next(i for i, line in enumerate(lines) if line.strip().lower() == "@data")
        rows = [line.split(",")[-2:] for line in lines[start + 1 :] if line.strip()]
        table = np.array([[float(cell) for cell in row] for row in rows])
        if table.ndim != 2 or table.shape[1] != 2 or (np.diff(table[:, 0]) <= 0).any():
            raise ValueError("times do not rise, or rows are missing")
    except (OSError, ValueError, StopIteration) as error:
        raise DataError(
            f"{path} is not a gold standard of AVEC 2016 ({error or 'no @data'}); expected an ARFF "
            "file whose rows are name, time in seconds, value"
        ) from error
    return table[:, 0], table[:, 1:]


def _order(name: str) -> tuple[str, int, str]:
    part, _, number = name.partition("_")
    return part, int(number) if number.isdecimal() else 0, name
