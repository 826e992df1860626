"""Windows that each epoch draws afresh: all of a grid are cached."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.windows import RandomWindows


@given(duration=st.floats(0.01, 200.0), length=st.sampled_from([0.5, 3.0]))
def test_the_windows_of_a_grid_are_cached_and_some_are_drawn(
    duration: float, length: float
) -> None:
    fresh = RandomWindows(count=2, length=length, fresh=True, step=0.1)
    assert fresh.per_epoch == 2
    windows = fresh("a", duration)
    starts = [window.start for window in windows]
    assert starts == sorted(starts)
    assert len({round(start / 0.1) for start in starts}) == len(starts)
    room = max(0.0, duration - length)
    assert len(windows) == min(300, int((room + 1e-3) / 0.1) + 1)
    assert all(start <= room + 1e-3 for start in starts)


def test_of_a_long_recording_300_windows_are_cached_always_the_same() -> None:
    fresh = RandomWindows(fresh=True)
    assert len(fresh("long", 3600.0)) == 300
    assert fresh("long", 3600.0) == RandomWindows(fresh=True)("long", 3600.0)
    assert fresh("long", 3600.0) != fresh("other", 3600.0)


def test_without_it_nothing_is_drawn_per_epoch() -> None:
    assert RandomWindows().per_epoch is None


def test_a_step_must_be_positive() -> None:
    with pytest.raises(ValueError, match="step > 0 seconds"):
        RandomWindows(fresh=True, step=0.0)
