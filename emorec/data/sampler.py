"""The order of segments, dealt out to the ranks."""

from collections.abc import Iterator

import torch
from torch.utils.data import DistributedSampler

FILLER = -1
"""Stands for a segment in which nothing is there; see :class:`DealingSampler`."""


class DealingSampler(DistributedSampler[int]):
    """Deals segments out in turn; a rank that comes off badly gets a filler, never a repeat.

    So that all ranks take the same number of steps, torch's own sampler repeats segments, which
    then count twice. A filler counts nowhere: it has no modality and no label. A step's
    batches on all ranks together are the batch that one process would have.

    The order is a function of (seed, epoch), also on one process: a resumed run goes on with the
    batches it would have had.
    """

    def __iter__(self) -> Iterator[int]:
        """Yield this rank's positions in the data set, and fillers at the end."""
        count = len(self.dataset)  # type: ignore[arg-type]
        order = list(range(count))
        if self.shuffle:
            random = torch.Generator().manual_seed(self.seed + self.epoch)
            order = torch.randperm(count, generator=random).tolist()
        order += [FILLER] * (self.total_size - count)
        return iter(order[self.rank :: self.num_replicas])
