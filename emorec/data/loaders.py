"""From a data set to batches, on one process or on several."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch.utils.data import DataLoader

from emorec.data.sampler import DealingSampler, HalvesSampler
from emorec.data.segments import SegmentDataset, as_is
from emorec.types import SegmentBatch


def make_loader(
    dataset: SegmentDataset,
    *,
    batch_size: int,
    workers: int,
    shuffle: bool,
    seed: int,
    labelled: Sequence[bool] | None = None,
    batches: int | None = None,
) -> DataLoader[SegmentBatch]:
    """Return a loader of this rank's share of the segments.

    Args:
        dataset: The segments.
        batch_size: Segments a batch.
        workers: Processes that read.
        shuffle: Whether the order is drawn from (seed, epoch); otherwise it is the data set's.
        seed: Another seed, another order.
        labelled: Which segments have a label: half of each batch are such; None: as they come.
        batches: Whole batches an epoch and rank; None: as many as there are segments for.
    """
    ranks, rank = 1, 0
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        ranks, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
    if labelled is None:
        sampler = DealingSampler(dataset, ranks, rank, shuffle=shuffle, seed=seed)
    else:
        sampler = HalvesSampler(range(len(dataset)), ranks, rank, labelled=labelled, seed=seed)
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
        # Its own: else epochs (but a process's first one) draw what augmentation would draw.
        generator=torch.Generator(),
    )
