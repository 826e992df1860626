"""Dealing segments out to ranks: a step has the rows of one process, and fillers count nowhere."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DistributedSampler

from emorec.data.sampler import FILLER, DealingSampler


def dealt(count: int, ranks: int, epoch: int, *, shuffle: bool = True) -> list[list[int]]:
    samplers = [
        DealingSampler(cast("Any", range(count)), ranks, rank, shuffle=shuffle, seed=3)
        for rank in range(ranks)
    ]
    for sampler in samplers:
        sampler.set_epoch(epoch)
    return [list(sampler) for sampler in samplers]


@given(
    count=st.integers(1, 60),
    ranks=st.integers(1, 5),
    size=st.integers(1, 7),
    epoch=st.integers(0, 9),
)
def test_each_step_has_the_rows_of_one_process(
    count: int, ranks: int, size: int, epoch: int
) -> None:
    (alone,) = dealt(count, 1, epoch)
    assert sorted(alone) == list(range(count))
    hands = dealt(count, ranks, epoch)
    assert len({len(hand) for hand in hands}) == 1
    for step in range(-(-count // (size * ranks))):
        rows = [i for hand in hands for i in hand[step * size : (step + 1) * size] if i != FILLER]
        assert sorted(rows) == sorted(alone[step * size * ranks : (step + 1) * size * ranks])


@given(count=st.integers(1, 60), ranks=st.integers(1, 5))
def test_there_are_fewer_fillers_than_ranks(count: int, ranks: int) -> None:
    hands = dealt(count, ranks, 0, shuffle=False)
    assert sum(hand.count(FILLER) for hand in hands) == -count % ranks < ranks
    assert hands[0] == list(range(0, count, ranks))


def test_the_order_is_that_of_torchs_sampler_but_for_the_fillers() -> None:
    for rank, hand in enumerate(dealt(20, 3, 2)):
        torchs: DistributedSampler[int] = DistributedSampler(
            cast("Any", range(20)), 3, rank, shuffle=True, seed=3
        )
        torchs.set_epoch(2)
        both = list(zip(hand, torchs, strict=True))
        assert all(mine == other for mine, other in both if mine != FILLER)


@pytest.mark.parametrize("epoch", [0, 1])
def test_it_says_how_many_it_yields(epoch: int) -> None:
    sampler = DealingSampler(cast("Any", range(11)), 4, 1, seed=3)
    sampler.set_epoch(epoch)
    assert len(sampler) == len(list(sampler)) == 3
