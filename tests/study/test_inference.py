"""Intervals and paired tests against what is known, and where there are none."""

import numpy as np
import pandas as pd
import pytest

from emorec.study.inference import area, compare, interval


def predictions(
    right: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", run: str = "r"
) -> pd.DataFrame:
    """Return a row a clip of a matrix (speakers, clips)."""
    speakers, clips = right.shape
    return pd.DataFrame(
        {
            "run": run,
            "clip": [f"s{s}c{c}" for s in range(speakers) for c in range(clips)],
            "group": [f"s{s}" for s in range(speakers) for _ in range(clips)],
            "right": right.ravel(),
        }
    )


def test_speakers_that_agree_give_a_narrow_interval_and_others_a_wide_one() -> None:
    alike = np.tile([1.0, 0.0], (20, 10))
    assert interval(predictions(alike)) == pytest.approx((0.5, 0.5))
    apart = np.repeat([[1.0], [0.0]], 10, axis=0) * np.ones((20, 20))
    found = interval(predictions(apart))
    assert found is not None
    low, high = found
    # Of 20 speakers who are all right or all wrong: 0.5 +- 1.96 sqrt(0.25 / 20).
    assert (low, high) == pytest.approx((0.28, 0.72), abs=0.06)
    assert interval(predictions(apart)) == found


def test_two_speakers_or_unknown_ones_have_no_interval() -> None:
    assert interval(predictions(np.ones((2, 30)))) is None
    assert interval(predictions(np.ones((9, 3))).assign(group="")) is None


def test_a_clear_difference_is_found_and_none_is_not() -> None:
    rng = np.random.default_rng(0)
    weak = (rng.random((12, 40)) < 0.4).astype(float)
    strong = (rng.random((12, 40)) < 0.7).astype(float)
    found = compare(predictions(strong), predictions(weak))
    assert found is not None
    difference, p, unit = found
    assert difference == pytest.approx(strong.mean() - weak.mean())
    assert p < 0.01
    assert unit == "speakers"
    same = compare(predictions(weak), predictions(weak))
    assert same is not None
    assert same[:2] == (0.0, 1.0)


def test_only_the_same_clips_of_the_same_runs_are_compared() -> None:
    one = predictions(np.ones((5, 4)), "fold 1")
    assert compare(one, predictions(np.ones((5, 4)), "fold 2")) is None
    runs = pd.concat([predictions(np.ones((1, 4)), f"r{i}").assign(group="") for i in range(4)])
    found = compare(runs, runs)
    assert found is not None
    assert found[2] == "runs"


def test_the_area_is_the_mean_height() -> None:
    assert area([0, 0.5, 1], [1, 0.5, 0]) == pytest.approx(0.5)
    assert area([0, 0.2, 0.8], [0.6, 0.6, 0.6]) == pytest.approx(0.6)
