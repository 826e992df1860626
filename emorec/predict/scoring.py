"""Runs a model on windows, in batches that fit into memory."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from emorec.extractors import Extractor
from emorec.extractors.statistics import Moments, changed
from emorec.model import EmotionModel
from emorec.types import Array, FeatureBundle, SegmentBatch

FIRST = 256  # windows per forward pass, tried first
WHOLE = "fused"


class WindowRunner:
    """Runs a model on windows.

    Args:
        model: The trained model, on its device, in evaluation mode.
        extractors: Modality -> extractor; gives the shapes of absent inputs.
        device: The model's device.
        batch_size: Windows per forward pass; None: the largest of 256, 128, 64, ... that fits into
            memory.

    Attributes:
        changes: Modality -> (scale, shift) that inputs are changed by first, see
            :meth:`~emorec.extractors.statistics.SpeakerStatistics.onto`.
    """

    def __init__(
        self,
        model: EmotionModel,
        extractors: Mapping[str, Extractor],
        device: str,
        batch_size: int | None = None,
    ) -> None:
        self.model, self.extractors, self.device = model, extractors, device
        self.changes: dict[str, Moments] = {}
        self.size, self.fixed = batch_size or FIRST, batch_size is not None

    def __call__(self, rows: Sequence[Mapping[str, Array | None]]) -> list[dict[str, Tensor]]:
        """Return the predictions for windows.

        Args:
            rows: For each window, modality -> array; None where the modality is absent.

        Returns:
            For each window, ``fused`` -> float32 (classes,) or (T, dimensions), on the CPU; if the
            model fuses several modalities, also each modality present -> the same, with the others
            removed.
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
        """Return windows as a batch for the model, without labels."""
        inputs, present = {}, {}
        for name, extractor in self.extractors.items():
            blank = np.zeros(extractor.shape, extractor.dtype)
            arrays = [self._changed(name, row.get(name)) for row in rows]
            inputs[name] = torch.from_numpy(np.stack([blank if a is None else a for a in arrays]))
            present[name] = torch.tensor([array is not None for array in arrays])
        size, target = len(rows), self.model.target_name
        return SegmentBatch(
            inputs,
            present,
            {target: torch.zeros(size, dtype=torch.int64)},
            {target: torch.zeros(size, dtype=torch.bool)},
            torch.zeros(size, dtype=torch.int64),
            torch.arange(size),
        )

    def _changed(self, name: str, array: Array | None) -> Array | None:
        if array is None or name not in self.changes:
            return array
        return changed(array, self.changes[name])

    def scores(self, batch: SegmentBatch) -> Tensor:
        """Return the main scores of a batch, with gradients if they are enabled."""
        return self._main(self.model.scores(self.model(batch)))

    @torch.inference_mode()
    def _run(self, batch: SegmentBatch) -> list[dict[str, Tensor]]:
        bundle: FeatureBundle = self.model(batch.to(self.device))
        found = self.model.scores(bundle)
        kinds = {WHOLE: self._main(found)}
        shown = self.model.modalities
        if WHOLE in found and len(shown) > 1:
            kinds |= {name: self._alone(bundle, name) for name in shown}
        values = {name: tensor.cpu() for name, tensor in kinds.items()}
        return [
            {
                name: values[name][i]
                for name in values
                if name == WHOLE or bool(batch.present[name][i])
            }
            for i in range(len(batch))
        ]

    def _main(self, found: Mapping[str, Tensor]) -> Tensor:
        # The checkpoint of a unimodal stage has only its own head, any other the fused output.
        return found.get(WHOLE, next(iter(found.values())))

    def _alone(self, bundle: FeatureBundle, modality: str) -> Tensor:
        """Return the output with all other modalities removed, as if they were missing."""
        rows = torch.ones_like(bundle.present[WHOLE])
        others = set(self.model.reads.values()) - {modality}
        removed = dict.fromkeys(sorted(others), rows)
        return self.model.scores(self.model.without(bundle, removed))[WHOLE]
