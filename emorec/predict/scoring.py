"""Windows to class probabilities, or to values step by step, in batches that fit into memory."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from emorec.extractors import Extractor
from emorec.tasks import ClassificationTask, RegressionTask
from emorec.types import Array, FeatureBundle, SegmentBatch

FIRST = 256  # windows a forward pass that are tried first
WHOLE = "fused"


class WindowRunner:
    """Runs a task on windows.

    Args:
        task: The trained task, on its device, in evaluation mode.
        extractors: Modality -> extractor; for the shapes of what is absent.
        device: The task's device.
        batch_size: Windows a forward pass; None: the most of 256, 128, 64, ... that fits into
            memory.
    """

    def __init__(
        self,
        task: ClassificationTask | RegressionTask,
        extractors: Mapping[str, Extractor],
        device: str,
        batch_size: int | None = None,
    ) -> None:
        self.task, self.extractors, self.device = task, extractors, device
        self.size, self.fixed = batch_size or FIRST, batch_size is not None

    def outputs(self, rows: Sequence[Mapping[str, Array | None]]) -> list[dict[str, Tensor]]:
        """Return what the task says of windows.

        Args:
            rows: For each window modality -> array; None where it is absent.

        Returns:
            For each window ``fused`` -> float32 (classes,) or (T, dimensions), on the CPU, and,
            where the model fuses several modalities, each that is there -> the same, with the
            others taken away.
        """
        found: list[dict[str, Tensor]] = []
        while len(found) < len(rows):
            part = rows[len(found) : len(found) + self.size]
            try:
                found += self._run(self.batch(part))
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
    def _run(self, batch: SegmentBatch) -> list[dict[str, Tensor]]:
        bundle = self.task(batch.to(self.device))
        said = self._said(bundle)
        # A unimodal stage's checkpoint has its own head; any other has the fused output.
        kinds = {WHOLE: said.get(WHOLE, next(iter(said.values())))}
        if WHOLE in said and len(self.task.shown) > 1:
            kinds |= {name: self._alone(bundle, name) for name in self.task.shown}
        values = {name: tensor.float().cpu() for name, tensor in kinds.items()}
        return [
            {
                name: values[name][i]
                for name in values
                if name == WHOLE or bool(batch.present[name][i])
            }
            for i in range(len(batch))
        ]

    def _said(self, bundle: FeatureBundle) -> dict[str, Tensor]:
        """Return name of the scores -> what the active heads say."""
        if isinstance(self.task, RegressionTask):
            return self.task.values(bundle)
        return self.task.segment_scores(bundle)

    def _alone(self, bundle: FeatureBundle, modality: str) -> Tensor:
        """Return the output with all other modalities taken away, as if they were missing."""
        names = list(self.task.encoders)
        features, present = {}, {}
        for name in names:
            kept = name == modality
            feature, there = bundle.features[name], bundle.present[name]
            features[name] = feature if kept else torch.zeros_like(feature)
            present[name] = there if kept else torch.zeros_like(there)
        return self._said(self.task.fuse(features, present))[WHOLE]


class Scorer(WindowRunner):
    """Gives windows their class probabilities with a classification task."""

    def __call__(self, rows: Sequence[Mapping[str, Array | None]]) -> list[dict[str, list[float]]]:
        """Return the class probabilities of windows, as lists; see :meth:`outputs`."""
        return [
            {name: values.tolist() for name, values in one.items()} for one in self.outputs(rows)
        ]
