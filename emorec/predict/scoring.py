"""Windows to class probabilities, in batches that fit into memory."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from emorec.extractors import Extractor
from emorec.tasks import ClassificationTask
from emorec.types import Array, FeatureBundle, SegmentBatch

FIRST = 256  # windows a forward pass that are tried first
WHOLE = "fused"


class Scorer:
    """Scores windows with a task.

    Args:
        task: The trained task, on its device, in evaluation mode.
        extractors: Modality -> extractor; for the shapes of what is absent.
        device: The task's device.
        batch_size: Windows a forward pass; None: the most of 256, 128, 64, ... that fits into
            memory.
    """

    def __init__(
        self,
        task: ClassificationTask,
        extractors: Mapping[str, Extractor],
        device: str,
        batch_size: int | None = None,
    ) -> None:
        self.task, self.extractors, self.device = task, extractors, device
        self.size, self.fixed = batch_size or FIRST, batch_size is not None

    def __call__(self, rows: Sequence[Mapping[str, Array | None]]) -> list[dict[str, list[float]]]:
        """Return the class probabilities of windows.

        Args:
            rows: For each window modality -> array; None where it is absent.

        Returns:
            For each window ``fused`` -> (classes,), and, where the model fuses several modalities,
            each that is there -> (classes,), with the others taken away.
        """
        found: list[dict[str, list[float]]] = []
        while len(found) < len(rows):
            part = rows[len(found) : len(found) + self.size]
            try:
                found += self._score(self.batch(part))
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if self.fixed or self.size == 1 or "out of memory" not in str(error):
                    raise
                self.size //= 2
                torch.cuda.empty_cache()
        return found

    def batch(self, rows: Sequence[Mapping[str, Array | None]]) -> SegmentBatch:
        """Return windows as the batch that the task reads, without labels."""
        inputs, present = {}, {}
        for name, extractor in self.extractors.items():
            blank = np.zeros(extractor.shape, extractor.dtype)
            arrays = [row.get(name) for row in rows]
            inputs[name] = torch.from_numpy(np.stack([blank if a is None else a for a in arrays]))
            present[name] = torch.tensor([array is not None for array in arrays])
        size, target = len(rows), self.task.target
        return SegmentBatch(
            inputs,
            present,
            {target: torch.zeros(size, dtype=torch.int64)},
            {target: torch.zeros(size, dtype=torch.bool)},
            torch.zeros(size, dtype=torch.int64),
            torch.arange(size),
        )

    @torch.inference_mode()
    def _score(self, batch: SegmentBatch) -> list[dict[str, list[float]]]:
        bundle = self.task(batch.to(self.device))
        scores = self.task.segment_scores(bundle)
        # A unimodal stage's checkpoint has its own head; any other has the fused output.
        whole = scores.get(WHOLE, next(iter(scores.values())))
        kinds = {WHOLE: whole}
        if WHOLE in scores and len(self.task.shown) > 1:
            kinds |= {name: self._alone(bundle, name) for name in self.task.shown}
        values = {name: tensor.cpu().tolist() for name, tensor in kinds.items()}
        return [
            {
                name: values[name][i]
                for name in values
                if name == WHOLE or bool(batch.present[name][i])
            }
            for i in range(len(batch))
        ]

    def _alone(self, bundle: FeatureBundle, modality: str) -> Tensor:
        """Return the output with all other modalities taken away, as if they were missing."""
        names = list(self.task.encoders)
        features, present = {}, {}
        for name in names:
            kept = name == modality
            feature, there = bundle.features[name], bundle.present[name]
            features[name] = feature if kept else torch.zeros_like(feature)
            present[name] = there if kept else torch.zeros_like(there)
        return self.task.segment_scores(self.task.fuse(features, present))[WHOLE]
