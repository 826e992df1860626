"""The order of segments, dealt to the ranks."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from torch.utils.data import DistributedSampler
from typing_extensions import override

FILLER = -1
"""Stands for a segment in which nothing is present; see :class:`DealingSampler`."""


class DealingSampler(DistributedSampler[int]):
    """Deals segments to the ranks in turn; ranks that fall short get fillers, never repeats.

    To give all ranks the same number of steps, torch's own sampler repeats segments, which then
    count twice. A filler counts nowhere: it has no modality and no label. In each step, the batches
    of all ranks together are the batch that one process would have.

    The order is a function of (seed, epoch), also on one process, so a resumed run continues with
    the batches it would have had.

    Attributes:
        wanted: Segments per rank and epoch, if not one pass: then the segments are passed through
            repeatedly, each time in another order.
    """

    wanted: int | None = None

    def draw(self, count: int) -> None:
        """Set the number of segments per rank and epoch, from now on."""
        self.wanted = self.num_samples = count

    def __iter__(self) -> Iterator[int]:
        """Yield this rank's positions in the data set, and fillers at the end."""
        order = self.order()
        order += [FILLER] * (self.num_samples * self.num_replicas - len(order))
        return iter(order[self.rank :: self.num_replicas])

    def order(self) -> list[int]:
        """Return the positions for all ranks, in the order in which they are dealt."""
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
    """Deals labelled and unlabelled segments alternately: each batch is half labelled.

    These are the labelled and unlabelled batches of equal size of Liang et al. 2020. An epoch is
    one pass over the labelled segments; the unlabelled ones are passed through repeatedly, each
    time in another order. Needs batches of an even size.

    Args:
        dataset: The segments.
        ranks: Number of processes.
        rank: This one's number.
        labelled: Which segments have a label, by position.
        seed: Seed of the order.
    """

    def __init__(
        self, dataset: Sequence[int], ranks: int, rank: int, *, labelled: Sequence[bool], seed: int
    ) -> None:
        super().__init__(cast("Any", dataset), ranks, rank, shuffle=True, seed=seed)
        self.labelled = [i for i, has in enumerate(labelled) if has]
        self.unlabelled = [i for i, has in enumerate(labelled) if not has]
        self.num_samples = 2 * -(-len(self.labelled) // ranks)

    @override
    def order(self) -> list[int]:
        """Return a labelled segment per rank, then an unlabelled one per rank, and so on."""
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


class ClipSampler(DealingSampler):
    """Deals some segments of each clip, others in each epoch, and clips of all classes alike.

    Args:
        clips: The segments of each clip, by position in the data set.
        ranks: Number of processes.
        rank: This one's number.
        count: Segments per clip and epoch, drawn at random; all of a clip that has fewer. None:
            all.
        classes: The class of each clip, None where it has no label: a pass then has as many clips
            of each class as the mean class has, rounded up, and the unlabelled ones. Those of small
            classes repeat, and each pass draws other clips of the large ones. None: all clips.
        seed: Seed of the choice and the order.
    """

    def __init__(
        self,
        clips: Sequence[Sequence[int]],
        ranks: int,
        rank: int,
        *,
        count: int | None = None,
        classes: Sequence[int | None] | None = None,
        seed: int,
    ) -> None:
        self.clips, self.count = clips, count
        self.members: dict[int | None, list[int]] = {}
        for clip in range(len(clips)):
            own = None if classes is None else classes[clip]
            self.members.setdefault(own, []).append(clip)
        super().__init__(cast("Any", range(1)), ranks, rank, shuffle=True, seed=seed)
        # Balanced passes differ in length if clips do: every epoch has the length of the first.
        self.usual = len(self._pass(self._random()))
        self.num_samples = -(-self.usual // ranks)

    @override
    def order(self) -> list[int]:
        """Return the chosen positions for all ranks, in the order in which they are dealt."""
        random = self._random()
        order = self._pass(random)
        wanted = self.usual if self.wanted is None else self.num_samples * self.num_replicas
        while len(order) < wanted:
            order += self._pass(random)
        return order[:wanted]

    def _pass(self, random: torch.Generator) -> list[int]:
        known = [own for name, own in self.members.items() if name is not None]
        each = -(-sum(map(len, known)) // max(1, len(known)))
        clips = list(self.members.get(None, []))
        for own in known:
            drawn: list[int] = []
            while len(drawn) < each:
                drawn += _shuffled(own, random)
            clips += drawn[:each]
        chosen = [i for clip in clips for i in _shuffled(self.clips[clip], random)[: self.count]]
        return _shuffled(chosen, random)


def _shuffled(positions: Sequence[int], random: torch.Generator) -> list[int]:
    order = torch.randperm(len(positions), generator=random).tolist()
    return [positions[i] for i in order]
