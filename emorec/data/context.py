"""Batches that hold whole dialogues, whose clips a fusion may relate."""

from collections.abc import Mapping, Sequence
from heapq import heapreplace
from typing import Any, Literal, cast

import torch
from typing_extensions import override

from emorec.data.sampler import FILLER, DealingSampler
from emorec.errors import DataError
from emorec.types import Clip

Context = Literal["none", "dialogue"]


def contexts_of(context: Context, clips: Sequence[Clip]) -> list[int] | None:
    """Return the number of each clip's dialogue, one of its own without one; None: no context.

    Raises:
        DataError: No clip is of a dialogue.
    """
    if context == "none":
        return None
    if not any(clip.dialogue for clip in clips):
        raise DataError(
            "data.context is dialogue, but no clip is of one: MELD and IEMOCAP have dialogues, and "
            "manifests with a column of that name"
        )
    numbers: dict[tuple[str, str], int] = {}
    keys = [("dialogue", c.dialogue) if c.dialogue else ("clip", c.id) for c in clips]
    return [numbers.setdefault(key, len(numbers)) for key in keys]


def together(
    contexts: Sequence[int], items: Sequence[tuple[int, int]]
) -> Mapping[tuple[int, int], list[int]]:
    """Return (context, window) -> positions of the segments that belong together.

    Args:
        contexts: Of each clip, by its position.
        items: (position of the clip, window) of each segment.
    """
    found: dict[tuple[int, int], list[int]] = {}
    for item, (position, window) in enumerate(items):
        found.setdefault((contexts[position], window), []).append(item)
    return found


class ContextSampler(DealingSampler):
    """Deals batches of whole groups of segments, of about the same size, to the ranks.

    A batch is a list of positions: the loader's own ``batch_size`` is None. Each epoch has the same
    number of batches, each segment once, and fillers where a rank would have one batch less. Groups
    are placed by falling size, equal ones in a random order, into the batch that has the fewest
    segments; a group larger than a batch is a batch of its own.

    Args:
        groups: Positions that belong together.
        ranks: Number of processes.
        rank: This one's number.
        batch_size: Segments per batch, about.
        shuffle: Whether the order is drawn from (seed, epoch).
        seed: Seed of the order.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[int]],
        ranks: int,
        rank: int,
        *,
        batch_size: int,
        shuffle: bool,
        seed: int,
    ) -> None:
        self.groups, self.batch_size = [list(group) for group in groups], batch_size
        total = sum(map(len, self.groups))
        self.batches = min(len(self.groups), -(-total // batch_size))
        super().__init__(cast("Any", range(self.batches)), ranks, rank, shuffle=shuffle, seed=seed)

    @override
    def draw(self, count: int) -> None:
        super().draw(-(-count // self.batch_size))

    @override
    def __iter__(self) -> Any:
        """Yield this rank's batches, lists of positions."""
        made = self._batches()
        wanted = self.num_samples * self.num_replicas
        made += [[FILLER]] * (wanted - len(made))
        return iter(made[self.rank : wanted : self.num_replicas])

    def _batches(self) -> list[list[int]]:
        random = self._random()
        wanted = self.batches if self.wanted is None else self.wanted * self.num_replicas
        made: list[list[int]] = []
        while len(made) < wanted:
            made += self._pass(random)
        return made[:wanted]

    def _pass(self, random: torch.Generator) -> list[list[int]]:
        groups = self.groups
        if self.shuffle:
            order = torch.randperm(len(groups), generator=random).tolist()
            groups = [groups[i] for i in order]
        made: list[list[int]] = [[] for _ in range(self.batches)]
        fewest = [(0, number) for number in range(self.batches)]
        for group in sorted(groups, key=len, reverse=True):
            size, number = fewest[0]
            made[number].extend(group)
            heapreplace(fewest, (size + len(group), number))
        if self.shuffle:
            order = torch.randperm(len(made), generator=random).tolist()
            return [made[i] for i in order]
        return made
