"""A trained model on new media files: the same windows and extractors as in training."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from emorec.cache import Windows
from emorec.checkpoints import load_checkpoint
from emorec.extractors import Extractor
from emorec.media import MediaError, probe
from emorec.tasks import ClassificationTask, TaskError
from emorec.types import Array, Clip, SegmentBatch, Window

BATCH = 64  # windows a forward pass


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one media file.

    Attributes:
        file: The file.
        label: The class with the largest mean probability.
        probabilities: Class -> mean of the windows' probabilities, 0 to 1.
        windows: The windows that had a modality, in order of time, in seconds.
        scores: (windows, classes), each window's probabilities.
        modalities: Modality -> number of windows that have it.
        warnings: What was odd about the file.
        crops: For each window the image that a face extractor cut, uint8 (H, W, 3), or None;
            empty where the model sees no pictures.
    """

    file: Path
    label: str
    probabilities: dict[str, float]
    windows: list[Window]
    scores: list[list[float]]
    modalities: dict[str, int]
    warnings: list[str] = field(default_factory=list)
    crops: list[Array | None] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict, without the pictures."""
        classes = list(self.probabilities)
        return {
            "file": str(self.file),
            "label": self.label,
            "probabilities": self.probabilities,
            "modalities": self.modalities,
            "warnings": self.warnings,
            "windows": [
                {
                    "start": round(window.start, 4),
                    "end": round(window.end, 4),
                    "probabilities": dict(zip(classes, scores, strict=True)),
                }
                for window, scores in zip(self.windows, self.scores, strict=True)
            ],
        }


class Predictor:
    """Applies a trained classification task to media files.

    Args:
        task: The trained task.
        windows: Where clips are cut.
        extractors: Modality -> extractor.
        device: Where the model runs.
    """

    def __init__(
        self,
        task: ClassificationTask,
        windows: Windows,
        extractors: dict[str, Extractor],
        device: str = "cpu",
    ) -> None:
        self.task = task.to(device).eval()
        self.windows, self.extractors, self.device = windows, extractors, device

    @classmethod
    def from_checkpoint(cls, path: str | Path, device: str = "auto") -> "Predictor":
        """Load a checkpoint of ``emorec fit``.

        Args:
            path: Such as ``runs/demo/checkpoints/best.ckpt``.
            device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda``, ``cuda:1``, ...

        Raises:
            CheckpointError: It cannot be read.
            TaskError: It holds no classification task.
        """
        task, data = load_checkpoint(Path(path))
        if not isinstance(task, ClassificationTask):
            raise TaskError(f"{path} holds a {type(task).__name__}, which predicts no classes")
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(task, data.windows, data.extractors, device)

    def predict(self, path: str | Path) -> Prediction:
        """Return the clip's class by the vote of its windows.

        The clip's id is its file name: a file that was tested under that id gets the windows it
        was tested with.

        Raises:
            MediaError: The file cannot be read, or no window has a face or sound to go by.
        """
        file = Path(path)
        media = probe(file)
        clip = Clip(file.stem, file.resolve())
        spans, warnings = self.windows.cut(clip.id, media)
        warnings = [*media.warnings, *warnings]
        arrays: dict[str, list[Array | None]] = {}
        for name in self.task.shown:
            found = self.extractors[name].extract(clip, media, spans)
            arrays[name] = found.arrays
            warnings += found.warnings
        used = [i for i in range(len(spans)) if any(a[i] is not None for a in arrays.values())]
        if not used:
            raise MediaError(f"nothing usable in any window ({'; '.join(warnings)})")
        batch = self._batch(arrays, used)
        scores = torch.cat([self._score(part) for part in _split(batch)])
        mean = scores.double().mean(0)
        classes = self.task.classes
        return Prediction(
            file,
            classes[int(mean.argmax())],
            dict(zip(classes, mean.tolist(), strict=True)),
            [spans[i] for i in used],
            scores.tolist(),
            {name: sum(a is not None for a in values) for name, values in arrays.items()},
            warnings,
            [_picture(arrays, i) for i in used] if self._sees() else [],
        )

    def _batch(self, arrays: dict[str, list[Array | None]], used: list[int]) -> SegmentBatch:
        inputs, present = {}, {}
        for name, extractor in self.extractors.items():
            blank = np.zeros(extractor.shape, extractor.dtype)
            rows = [arrays[name][i] if name in arrays else None for i in used]
            inputs[name] = torch.from_numpy(np.stack([blank if r is None else r for r in rows]))
            present[name] = torch.tensor([row is not None for row in rows])
        size = len(used)
        none = {self.task.target: torch.zeros(size, dtype=torch.bool)}
        zero = {self.task.target: torch.zeros(size, dtype=torch.int64)}
        clip, index = torch.zeros(size, dtype=torch.int64), torch.tensor(used)
        return SegmentBatch(inputs, present, zero, none, clip, index)

    def _sees(self) -> bool:
        """Whether one of the modalities in use is a picture."""
        return any(_is_picture(self.extractors[name]) for name in self.task.shown)

    @torch.inference_mode()
    def _score(self, batch: SegmentBatch) -> torch.Tensor:
        bundle = self.task(batch.to(self.device))
        scores = self.task.segment_scores(bundle)
        # A unimodal stage's checkpoint has its own head; any other has the fused output.
        name = "fused" if "fused" in scores else next(iter(scores))
        return scores[name].cpu()


def _split(batch: SegmentBatch) -> list[SegmentBatch]:
    return [batch.rows(slice(start, start + BATCH)) for start in range(0, len(batch), BATCH)]


def _is_picture(extractor: Extractor) -> bool:
    return extractor.dtype is np.uint8 and len(extractor.shape) == 3 and extractor.shape[0] == 3


def _picture(arrays: dict[str, list[Array | None]], window: int) -> Array | None:
    """Return the RGB picture that some extractor cut for a window, if one did."""
    for values in arrays.values():
        array = values[window]
        if array is not None and array.dtype == np.uint8 and array.shape[0] == 3:
            return np.asarray(array).transpose(1, 2, 0)
    return None
