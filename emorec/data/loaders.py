"""From a data set to batches, on one process or several."""

from collections.abc import Collection
from typing import Any, cast

import torch
from torch.utils.data import DataLoader

from emorec.data.sampler import DealingSampler, HalvesSampler
from emorec.data.segments import SegmentDataset, as_is
from emorec.errors import DataError
from emorec.types import SegmentBatch


def check_batches(modalities: Collection[str], batch_size: int, workers: int) -> None:
    """Check the modalities, the size of batches and the number of processes.

    Raises:
        DataError: No modality is given, the size is below 1, or the number below 0.
    """
    if not modalities:
        raise DataError("extractors is empty: name at least one modality to read")
    if batch_size < 1 or workers < 0:
        raise DataError(
            f"batch_size is {batch_size} and workers {workers}; expected at least 1 and at least 0"
        )


def make_loader(
    dataset: SegmentDataset,
    *,
    batch_size: int,
    workers: int,
    shuffle: bool,
    seed: int,
    half_labelled: bool = False,
    batches: int | None = None,
) -> DataLoader[SegmentBatch]:
    """Return a loader of this rank's share of the segments.

    Args:
        dataset: The segments.
        batch_size: Segments per batch.
        workers: Processes that load batches.
        shuffle: Whether the order is drawn from (seed, epoch); otherwise it is the data set's.
        seed: Seed of the order.
        half_labelled: Whether exactly half of each batch are labelled segments.
        batches: Full batches per epoch and rank; None: one pass over the segments.

    Raises:
        DataError: Batches cannot be half labelled.
    """
    ranks, rank = 1, 0
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        ranks, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
    if half_labelled:
        labelled = _labelled(dataset, batch_size)
        sampler: DealingSampler = HalvesSampler(
            range(len(dataset)), ranks, rank, labelled=labelled, seed=seed
        )
    else:
        sampler = DealingSampler(dataset, ranks, rank, shuffle=shuffle, seed=seed)
    if batches is not None:
        sampler.draw(batches * batch_size)
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=cast("Any", as_is),
        pin_memory=torch.cuda.is_available(),
        # Its own, as the global one is for augmentation: later epochs would draw from it.
        generator=torch.Generator(),
    )


def all_batches() -> int | None:
    """Return None: one pass over the segments per epoch."""
    return None


def _labelled(dataset: SegmentDataset, batch_size: int) -> list[bool]:
    """Return which segments have a label.

    Raises:
        DataError: Batches cannot be half labelled.
    """
    labelled = [bool(dataset.labels[position]) for position, _ in dataset.items]
    if batch_size % 2 or all(labelled) or not any(labelled):
        raise DataError(
            f"half_labelled needs an even batch_size (it is {batch_size}) and "
            f"both labelled and unlabelled segments ({sum(labelled)} of {len(labelled)} are "
            "labelled); unlabelled ones come from data.unlabelled, data.labelled_share or the set "
            "itself"
        )
    return labelled
