import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.types import Window
from emorec.windows import RandomWindows

names = st.text(max_size=20)
durations = st.floats(0.01, 1000.0)
GOLDEN = [0.7336098103810387, 1.0683188738897984, 1.1723591139307166]


def test_the_default_is_thirty_windows_of_half_a_second() -> None:
    windows = RandomWindows()("clip", 10.0)
    assert len(windows) == 30
    assert [w.end - w.start for w in windows] == pytest.approx([0.5] * 30)


def test_windows_are_the_same_in_every_process_and_release() -> None:
    windows = RandomWindows(count=3)("s1_anger_1", 2.0)
    assert [w.start for w in windows] == pytest.approx(GOLDEN, abs=1e-12)


@given(names, durations, st.integers(1, 40), st.floats(0.05, 5.0), st.integers(-5, 5))
def test_windows_lie_within_the_clip_in_order_of_time(
    name: str, duration: float, count: int, length: float, seed: int
) -> None:
    windows = RandomWindows(count, length, seed)(name, duration)
    assert len(windows) == count
    assert windows == sorted(windows)
    for window in windows:
        assert window.start >= 0
        assert window.end == pytest.approx(window.start + length)
        if duration >= length:
            assert window.end <= duration + 1e-9
        else:
            assert window.start == 0


@given(st.lists(st.tuples(names, durations), min_size=2, max_size=6), st.randoms())
def test_neither_order_nor_other_clips_change_the_windows(
    clips: list[tuple[str, float]], shuffle: random.Random
) -> None:
    one = RandomWindows()
    wanted = {clip: one(*clip) for clip in clips}
    shuffle.shuffle(clips)
    other = RandomWindows()
    random.seed(0)
    assert all(other(*clip) == wanted[clip] for clip in clips)


@given(names, names, st.integers(0, 99), st.integers(0, 99))
def test_other_clips_and_other_seeds_get_other_windows(
    name: str, other: str, seed: int, other_seed: int
) -> None:
    same = RandomWindows(5, seed=seed)(name, 9.0) == RandomWindows(5, seed=other_seed)(other, 9.0)
    assert same == ((name, seed) == (other, other_seed))


def test_windows_are_spread_evenly_over_the_clip() -> None:
    starts = [w.start for i in range(100) for w in RandomWindows()(f"clip{i}", 10.5)]
    counts, _ = np.histogram(starts, bins=10, range=(0, 10))
    assert sum(counts) == 3000
    assert counts.min() > 240
    assert counts.max() < 360


def test_a_clip_of_exactly_one_window_is_that_window() -> None:
    assert set(RandomWindows()("clip", 0.5)) == {Window(0.0, 0.5)}


def test_a_shorter_clip_gives_windows_past_its_end() -> None:
    assert set(RandomWindows()("clip", 0.43)) == {Window(0.0, 0.5)}


@pytest.mark.parametrize(("count", "length"), [(0, 0.5), (30, 0.0), (30, -1.0)])
def test_impossible_windows_are_refused(count: int, length: float) -> None:
    with pytest.raises(ValueError, match="count >= 1, length > 0 and step > 0"):
        RandomWindows(count, length)


def test_arguments_are_those_of_the_constructor() -> None:
    given: dict[str, Any] = {"count": 7, "length": 0.25, "seed": 3, "fresh": True, "step": 0.2}
    assert RandomWindows(**given).arguments() == given
