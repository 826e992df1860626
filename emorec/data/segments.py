"""Segments of some clips as a map-style data set that reads whole batches from the cache."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from emorec.cache import Entry, SegmentCache
from emorec.types import Clip, SegmentBatch


class SegmentDataset(Dataset[SegmentBatch]):
    """All windows of the given clips in which at least one modality is there.

    Args:
        cache: Where the arrays are.
        clips: All clips of the data module; ``SegmentBatch.clip`` is a position in it.
        entries: Clip id -> its cached record, status ``ok``.
        positions: Which clips to use.
        modalities: Which modalities to read.
        targets: Target -> its number of classes.
    """

    def __init__(
        self,
        cache: SegmentCache,
        clips: Sequence[Clip],
        entries: Mapping[str, Entry],
        positions: Sequence[int],
        modalities: Sequence[str],
        targets: Mapping[str, int],
    ) -> None:
        self.cache = cache
        self.modalities = sorted(modalities)
        self.targets = sorted(targets)
        self.ids = {p: clips[p].id for p in positions}
        self.labels = {p: dict(clips[p].labels) for p in positions}
        self.present = {
            p: {m: entries[clips[p].id].present[m] for m in self.modalities} for p in positions
        }
        self.items = [
            (p, w)
            for p in positions
            for w, there in enumerate(zip(*self.present[p].values(), strict=True))
            if any(there)
        ]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, item: int) -> SegmentBatch:
        return self.__getitems__([item])

    def __getitems__(self, indices: Sequence[int]) -> SegmentBatch:
        """Return the segments at the given positions as one batch, one read an array."""
        pairs = [self.items[i] for i in indices]
        inputs, present = {}, {}
        for modality in self.modalities:
            rows = [self.cache.array(self.ids[p], modality)[w] for p, w in pairs]
            inputs[modality] = torch.from_numpy(np.stack(rows))
            there = [self.present[p][modality][w] for p, w in pairs]
            present[modality] = torch.tensor(there, dtype=torch.bool)
        targets, labelled = {}, {}
        for target in self.targets:
            labels = [self.labels[p].get(target) for p, _ in pairs]
            labelled[target] = torch.tensor([label is not None for label in labels])
            values: list[Any] = [0 if label is None else label for label in labels]
            targets[target] = torch.tensor(values)
        return SegmentBatch(
            inputs,
            present,
            targets,
            labelled,
            clip=torch.tensor([p for p, _ in pairs]),
            index=torch.tensor([w for _, w in pairs]),
        )


def as_is(batch: SegmentBatch) -> SegmentBatch:
    """Collate: the data set returns whole batches already."""
    return batch
