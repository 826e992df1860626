"""Windows on a grid: for timelines, and over whole recordings for traces."""

import numpy as np
import pytest

from emorec.types import Window
from emorec.windows import GridWindows, SlidingWindows


def test_a_grid_ends_within_the_clip() -> None:
    assert GridWindows(1.0, 0.5)("x", 2.2) == [Window(0, 1), Window(0.5, 1.5), Window(1, 2)]
    assert GridWindows(1.0, 0.5)("x", 1.9996)[-1] == Window(1, 2)  # short by rounding alone
    assert GridWindows(1.0, 0.5)("x", 0.3) == [Window(0, 1)]


@pytest.mark.parametrize("hop", [2.0, 6.0])
@pytest.mark.parametrize("steps", [150, 151, 152, 275, 299, 300, 301, 7500])
def test_sliding_windows_cover_each_step_of_a_recording(hop: float, steps: int) -> None:
    windows = SlidingWindows(6.0, hop)("x", steps * 0.04)
    firsts = [round(window.start / 0.04) for window in windows]
    np.testing.assert_allclose([window.start for window in windows], np.array(firsts) * 0.04)
    covered = {step for first in firsts for step in range(first, first + 150)}
    assert covered == set(range(steps))
    assert firsts == sorted(set(firsts))


def test_part_of_a_step_gets_no_window_and_a_short_recording_one() -> None:
    assert SlidingWindows(6.0, 6.0)("x", 6.03) == [Window(0, 6)]
    assert SlidingWindows(6.0, 6.0)("x", 2.0) == [Window(0, 6)]


@pytest.mark.parametrize(
    "options", [{"length": 0.0}, {"hop": -1.0}, {"length": 6.01}, {"hop": 0.05}, {"step": 0.0}]
)
def test_windows_off_the_grid_of_steps_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"length|step"):
        SlidingWindows(**options)
