"""Segments of clips as a map-style data set that reads whole batches from the cache."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from emorec.cache import Entry, SegmentCache
from emorec.data.sampler import FILLER
from emorec.data.traces import part_of_trace
from emorec.errors import DataError
from emorec.types import Array, Clip, SegmentBatch, Target, Values, Window


class SegmentDataset(Dataset[SegmentBatch]):
    """All windows of the given clips in which at least one modality is present.

    Args:
        cache: Holds the arrays.
        clips: All clips of the data module; ``SegmentBatch.clip`` is a position in it.
        entries: Clip id -> its cached record, status ``ok``.
        positions: Which clips to use.
        modalities: Which modalities to read.
        targets: Name -> target.
        traces: Target with values -> position of a clip -> float32 (steps, dimensions).

    Attributes:
        change: Changes a clip's array, or a window of it, by its id and modality; None: as cached.
        contexts: Number of the dialogue of each clip, by its position; None: no context.
    """

    change: Callable[[str, str, Array], Array] | None = None
    contexts: Sequence[int] | None = None

    def __init__(
        self,
        cache: SegmentCache,
        clips: Sequence[Clip],
        entries: Mapping[str, Entry],
        positions: Sequence[int],
        modalities: Sequence[str],
        targets: Mapping[str, Target],
        traces: Mapping[str, Mapping[int, Array]] | None = None,
    ) -> None:
        self.cache, self.traces = cache, traces or {}
        self.modalities = sorted(modalities)
        self.targets = {name: targets[name] for name in sorted(targets)}
        self.ids = {p: clips[p].id for p in positions}
        self.labels = {p: dict(clips[p].labels) for p in positions}
        self.spans = {p: entries[clips[p].id].windows for p in positions} if traces else {}
        self.present = {
            p: {m: entries[clips[p].id].present[m] for m in self.modalities} for p in positions
        }
        self.items = [
            (p, w)
            for p in positions
            for w, present in enumerate(zip(*self.present[p].values(), strict=True))
            if any(present)
        ]

    def array(self, clip_id: str, modality: str) -> Array:
        """Return a clip's array (windows, *shape); zeros where the modality is absent."""
        array = self.cache.array(clip_id, modality)
        return array if self.change is None else self.change(clip_id, modality, array)

    def windows(self, modality: str) -> Iterator[tuple[Array, list[bool]]]:
        """Yield, for each clip, its array (windows, *shape) and which windows are present."""
        for position, clip_id in self.ids.items():
            yield self.array(clip_id, modality), self.present[position][modality]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, item: int | list[int]) -> SegmentBatch:
        return self.__getitems__([item] if isinstance(item, int) else item)

    def __getitems__(self, indices: Sequence[int]) -> SegmentBatch:
        """Return the segments at the given positions as one batch.

        A position may be :data:`~emorec.data.sampler.FILLER`: zeros in which nothing is present.
        """
        # A filler has the shapes of the first segment and the key (-1, -1).
        pairs = [self.items[0] if i == FILLER else self.items[i] for i in indices]
        real = [i != FILLER for i in indices]
        inputs, present = {}, {}
        for modality in self.modalities:
            rows = [self._row(p, w, modality) for p, w in pairs]
            rows = [
                x if is_real else np.zeros_like(x) for x, is_real in zip(rows, real, strict=True)
            ]
            inputs[modality] = torch.from_numpy(np.stack(rows))
            known = torch.tensor([self.present[p][modality][w] for p, w in pairs])
            present[modality] = known & torch.tensor(real)
        targets, labelled = {}, {}
        for target, form in self.targets.items():
            if isinstance(form, Values):
                targets[target], labelled[target] = self._parts(target, form, pairs, real)
                continue
            labels = [
                self.labels[p].get(target) if is_real else None
                for (p, _), is_real in zip(pairs, real, strict=True)
            ]
            labelled[target] = torch.tensor([label is not None for label in labels])
            values: list[Any] = [0 if label is None else label for label in labels]
            targets[target] = torch.tensor(values)
        clip = torch.tensor(pairs)[:, 0].where(torch.tensor(real), FILLER)
        index = torch.tensor(pairs)[:, 1].where(torch.tensor(real), FILLER)
        context = None
        if self.contexts is not None:  # windows of one number, of the clips of one dialogue
            own = [(self.contexts[p], w) for p, w in pairs]
            numbers = {each: number for number, each in enumerate(dict.fromkeys(own))}
            context = torch.tensor([numbers[each] for each in own])
        return SegmentBatch(inputs, present, targets, labelled, clip, index, context)

    def _row(self, position: int, window: int, modality: str) -> Array:
        clip_id = self.ids[position]
        row: Array = self.cache.array(clip_id, modality)[window]
        return row if self.change is None else self.change(clip_id, modality, row)

    def check_values(self) -> None:
        """Check that targets with values have some to learn.

        Raises:
            DataError: No segment has a known value of a target with values.
        """
        for target, form in self.targets.items():
            if not isinstance(form, Values):
                continue
            if not any(bool(self._parts(target, form, [pair], [True])[1]) for pair in self.items):
                raise DataError(
                    f"no training window has a value of {target}: traces are empty, end "
                    f"early, or lag by data.delay, {form.delay:g} s, beyond the recording"
                )

    def _parts(
        self, target: str, form: Values, pairs: Sequence[tuple[int, int]], real: Sequence[bool]
    ) -> tuple[Tensor, Tensor]:
        """Return a trace's values (B, T, dimensions), and which rows have any."""
        traces, parts = self.traces[target], []
        for (p, w), is_real in zip(pairs, real, strict=True):
            known = is_real and target in self.labels[p] and p in traces
            trace = traces[p] if known else np.zeros((0, len(form)), np.float32)
            parts.append(part_of_trace(trace, Window(*self.spans[p][w]), form))
        found = torch.from_numpy(np.stack(parts))
        return found, ~found.isnan().flatten(1).all(1)


def as_is(batch: SegmentBatch) -> SegmentBatch:
    """Return a batch as it is: the data set already returns whole batches."""
    return batch
