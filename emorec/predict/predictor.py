"""A trained model on new recordings: the same windows and extractors as in training."""

from collections.abc import Callable
from pathlib import Path
from typing import Self

import numpy as np
import torch

from emorec.evaluation.calibration import apply_temperature
from emorec.extractors import Extractor
from emorec.media import MediaError
from emorec.predict.faces import FaceStrip, has_pictures, pictures_of
from emorec.predict.kinds import need_classes
from emorec.predict.prediction import Prediction, Timeline, TimelineRow
from emorec.predict.recording import open_recording
from emorec.predict.rows import absent, timeline_rows
from emorec.predict.scoring import WHOLE, Scorer
from emorec.runs.checkpoints import load_checkpoint
from emorec.tasks import ClassificationTask
from emorec.types import Array, Clip
from emorec.windows import GridWindows, Windows

PART = 16  # windows that are in memory at once


class Predictor:
    """Applies a trained classification task to recordings.

    Args:
        task: The trained task.
        windows: Where clips are cut.
        extractors: Modality -> extractor.
        device: Where the model runs.
        batch_size: Windows a forward pass; None: as many as fit into memory, at most 256.

    Example::

        predictor = Predictor.from_checkpoint("runs/demo/checkpoints/best.ckpt")
        predictor.predict("clip.mp4").label
    """

    def __init__(
        self,
        task: ClassificationTask,
        windows: Windows,
        extractors: dict[str, Extractor],
        device: str = "cpu",
        batch_size: int | None = None,
    ) -> None:
        self.task = task.to(device).eval()
        self.windows, self.extractors, self.device = windows, extractors, device
        self.score = Scorer(self.task, extractors, device, batch_size)

    @classmethod
    def from_checkpoint(
        cls,
        path: str | Path,
        device: str = "auto",
        batch_size: int | None = None,
        *,
        trust: bool = False,
    ) -> Self:
        """Load a checkpoint of ``emorec fit``.

        Args:
            path: Such as ``runs/demo/checkpoints/best.ckpt``.
            device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda``, ``cuda:1``, ...
            batch_size: See the class.
            trust: Also import classes that are of no installed plug-in.

        Raises:
            CheckpointError: It cannot be read, or names foreign classes and is not trusted.
            TaskError: It holds no classification task.
        """
        task, data = load_checkpoint(Path(path), trust=trust)
        known = need_classes(task, path)
        return cls(known, data.windows, data.extractors, cls.find_device(device), batch_size)

    @staticmethod
    def find_device(name: str) -> str:
        """Return the device that ``auto`` stands for here; other names are returned as they are."""
        if name == "auto":
            return "cuda" if torch.cuda.is_available() else "cpu"
        return name

    def predict(self, named: str | Path | Clip) -> Prediction:
        """Return the clip's class by the vote of its windows, at the model's temperature.

        The clip's id is its file name: a file that was tested under that id gets the windows it
        was tested with. Where several faces are seen, the extractor's option says whose counts.

        Args:
            named: A file; or a clip, where the model also reads a transcript or stored features,
                or where sound and picture are in files of their own.

        Raises:
            MediaError: The file cannot be read, or no window has a face or sound to go by.
        """
        recording = open_recording(named, self._shown)
        clip, media = recording.clip, recording.media
        spans, warnings = self.windows.cut(clip.id, media)
        warnings = [*recording.warnings, *warnings]
        arrays: dict[str, list[Array | None]] = {}
        for name in self.task.shown:
            found = self.extractors[name].extract(clip, recording.of(name), spans)
            arrays[name] = found.arrays
            warnings += found.warnings
        used = [i for i in range(len(spans)) if any(a[i] is not None for a in arrays.values())]
        if not used:
            raise MediaError(f"nothing usable in any window ({'; '.join(warnings)})")
        rows = [{name: values[i] for name, values in arrays.items()} for i in used]
        scores = self.score(rows)
        mean = self._calibrated(self._mean([each[WHOLE] for each in scores]))
        alone = {
            name: self._mean([each[name] for each in scores if name in each])
            for name in self.task.shown
            if any(name in each for each in scores)
        }
        return Prediction(
            recording.file,
            max(mean, key=mean.__getitem__),
            mean,
            [spans[i] for i in used],
            [each[WHOLE] for each in scores],
            {name: sum(a is not None for a in values) for name, values in arrays.items()},
            alone,
            warnings,
            pictures_of(rows) if any(map(has_pictures, self._shown.values())) else [],
            recording.title,
        )

    def timeline(
        self,
        named: str | Path | Clip,
        hop: float = 0.5,
        progress: Callable[[int, int], None] | None = None,
    ) -> Timeline:
        """Return what the model says window after window, for each face that can be followed.

        Windows are as long as in training, on a regular grid over the whole recording. All people
        in the picture share the sound: whose voice it is, is not known. The file is read once and
        memory does not grow with its length, except for the numbers that are returned.

        Args:
            named: The recording; see :meth:`predict`.
            hop: Seconds from one window's start to the next one's.
            progress: Called with the number of windows that are done and of all.

        Raises:
            MediaError: The file cannot be read, or no window has a face or sound to go by.
        """
        recording = open_recording(named, self._shown)
        clip, media = recording.clip, recording.media
        length = float(getattr(self.windows, "length", 0.5))
        spans, warnings = GridWindows(length, hop).cut(clip.id, media)
        warnings = list(dict.fromkeys([*recording.warnings, *warnings]))
        parts = [spans[start : start + PART] for start in range(0, len(spans), PART)]
        streams = {
            name: extractor.stream(clip, recording.of(name), parts)
            for name, extractor in self._shown.items()
        }
        rows: list[TimelineRow] = []
        faces, done = FaceStrip(), 0
        for part in parts:
            found = {name: next(stream) for name, stream in streams.items()}
            rows += timeline_rows(self.score, part, found)
            for name in (n for n, extractor in self._shown.items() if has_pictures(extractor)):
                faces.add(part, found[name])
            warnings += [w for one in found.values() for w in one.warnings if w not in warnings]
            done += len(part)
            if progress is not None:
                progress(done, len(spans))
        warnings += absent(rows, len(spans), self.task.shown)
        if not rows:
            raise MediaError(f"nothing usable in any window ({'; '.join(warnings)})")
        seen = media.video is not None
        return Timeline(
            recording.file,
            media.duration,
            self.task.classes,
            rows,
            seen,
            warnings,
            faces.kept,
            recording.title,
        )

    @property
    def _shown(self) -> dict[str, Extractor]:
        return {name: self.extractors[name] for name in self.task.shown}

    def _mean(self, scores: list[list[float]]) -> dict[str, float]:
        mean = np.mean(np.asarray(scores, np.float64), 0).tolist()
        return dict(zip(self.task.classes, mean, strict=True))

    def _calibrated(self, shares: dict[str, float]) -> dict[str, float]:
        values = torch.tensor(list(shares.values()), dtype=torch.float64)
        warm = apply_temperature(values, float(self.task.temperature)).tolist()
        return dict(zip(shares, warm, strict=True))
