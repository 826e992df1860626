"""The order of segments, dealt out to the ranks."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from torch.utils.data import DistributedSampler

FILLER = -1
"""Stands for a segment in which nothing is present; see :class:`DealingSampler`."""


class DealingSampler(DistributedSampler[int]):
    """Deals segments out in turn; a rank that comes off badly gets a filler, never a repeat.

    So that all ranks take the same number of steps, torch's own sampler repeats segments, which
    then count twice. A filler counts nowhere: it has no modality and no label. A step's
    batches on all ranks together are the batch that one process would have.

    The order is a function of (seed, epoch), also on one process: a resumed run goes on with the
    batches it would have had.

    Attributes:
        wanted: Segments a rank and epoch, where not all of them once: they are gone through again
            and again, each time in another order, as long as it takes.
    """

    wanted: int | None = None

    def draw(self, count: int) -> None:
        """Take so many segments a rank and epoch, from now on."""
        self.wanted = self.num_samples = count

    def __iter__(self) -> Iterator[int]:
        """Yield this rank's positions in the data set, and fillers at the end."""
        order = self.order()
        order += [FILLER] * (self.num_samples * self.num_replicas - len(order))
        return iter(order[self.rank :: self.num_replicas])

    def order(self) -> list[int]:
        """Return the positions of all ranks, in the order in which they are dealt out."""
        count = len(self.dataset)  # type: ignore[arg-type]
        if not self.shuffle:
            return list(range(count))
        random = self._random()
        if self.wanted is None:
            return _shuffled(range(count), random)
        order: list[int] = []
        while len(order) < self.wanted * self.num_replicas:
            order += _shuffled(range(count), random)
        return order[: self.wanted * self.num_replicas]

    def _random(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed + self.epoch)


class HalvesSampler(DealingSampler):
    """Deals out labelled and unlabelled segments in turn: each batch is half of one, half of other.

    The labelled and unlabelled batches of equal size of Liang et al. 2020. An epoch goes once
    through the labelled segments; the unlabelled ones are gone through again and again, each
    time in another order, as long as it takes. Needs batches of an even size.

    Args:
        dataset: The segments.
        ranks: Number of processes.
        rank: This one's number.
        labelled: Which segments have a label, by position.
        seed: Another seed, another order.
    """

    def __init__(
        self, dataset: Sequence[int], ranks: int, rank: int, *, labelled: Sequence[bool], seed: int
    ) -> None:
        super().__init__(cast("Any", dataset), ranks, rank, shuffle=True, seed=seed)
        self.labelled = [i for i, has in enumerate(labelled) if has]
        self.unlabelled = [i for i, has in enumerate(labelled) if not has]
        self.num_samples = 2 * -(-len(self.labelled) // ranks)

    def order(self) -> list[int]:
        """Return a labelled segment for each rank, then an unlabelled one for each, and so on."""
        random, ranks = self._random(), self.num_replicas
        first = _shuffled(self.labelled, random)
        wanted = 0 if self.wanted is None else -(-self.wanted // 2) * ranks
        while len(first) < wanted:
            first += _shuffled(self.labelled, random)
        first = first[:wanted] if wanted else first
        first += [FILLER] * (-len(first) % ranks)
        second: list[int] = []
        while len(second) < len(first):
            second += _shuffled(self.unlabelled, random)
        blocks = [
            [*first[start : start + ranks], *second[start : start + ranks]]
            for start in range(0, len(first), ranks)
        ]
        return [position for block in blocks for position in block]


def _shuffled(positions: Sequence[int], random: torch.Generator) -> list[int]:
    order = torch.randperm(len(positions), generator=random).tolist()
    return [positions[i] for i in order]
