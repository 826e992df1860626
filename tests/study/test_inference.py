"""Intervals and paired tests against known values, and where they are undefined."""

import numpy as np
import pandas as pd
import pytest

from emorec.study.inference import DifferentTestsError, area, compare, interval


def predictions(
    right: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", run: str = "r"
) -> pd.DataFrame:
    """Return one row per clip of a matrix (speakers, clips)."""
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
    # For 20 speakers, each entirely right or entirely wrong: 0.5 +- 1.96 sqrt(0.25 / 20).
    assert (low, high) == pytest.approx((0.28, 0.72), abs=0.06)
    assert interval(predictions(apart)) == found


def test_two_speakers_or_unknown_ones_have_no_interval() -> None:
    assert interval(predictions(np.ones((2, 30)))) is None
    assert interval(predictions(np.ones((9, 3))).assign(group="")) is None


def runs(accuracy: float, luck: float, seed: int, count: int = 6) -> pd.DataFrame:
    """Return decisions of several trained models, each better or worse on all its clips."""
    rng = np.random.default_rng(seed)
    tables = []
    for run in range(count):
        level = accuracy + luck * rng.standard_normal()
        tables.append(predictions((rng.random((24, 20)) < level).astype(float), f"r{run}"))
    return pd.concat(tables, ignore_index=True)


def test_a_clear_difference_is_found_and_none_is_not() -> None:
    strong, weak = runs(0.7, 0.03, 0), runs(0.4, 0.03, 1)
    found = compare(strong, weak)
    assert found is not None
    difference, p, count = found
    assert difference == pytest.approx(strong["right"].mean() - weak["right"].mean())
    assert p == pytest.approx(2 / 2**6)  # the minimum for six pairs
    assert count == 6
    same = compare(weak, weak)
    assert same is not None
    assert same[:2] == (0.0, 1.0)


def test_methods_that_differ_by_luck_in_training_alone_are_rarely_told_apart() -> None:
    # All clips of a run share the luck of one model: with clips or speakers as units, a third of
    # the tests or more would report a difference.
    trials = [compare(runs(0.5, 0.03, 2 * i), runs(0.5, 0.03, 2 * i + 1)) for i in range(60)]
    false = [found is not None and found[1] < 0.05 for found in trials]
    assert sum(false) <= 8  # 0.05 x 60 = 3 expected; more than 8 happens once in 200 times


def test_only_the_same_clips_of_the_same_runs_are_compared() -> None:
    one = predictions(np.ones((5, 4)), "fold 1")
    assert compare(one, predictions(np.ones((5, 4)), "fold 2")) is None


def test_the_area_is_the_mean_height() -> None:
    assert area([0, 0.5, 1], [1, 0.5, 0]) == pytest.approx(0.5)
    assert area([0, 0.2, 0.8], [0.6, 0.6, 0.6]) == pytest.approx(0.6)


def test_runs_that_tested_other_clips_are_not_compared() -> None:
    one = predictions(np.ones((5, 8)), "s")
    other = one[~((one["run"] == one["run"].iloc[0]) & (one["clip"] == one["clip"].iloc[0]))]
    with pytest.raises(DifferentTestsError, match="39 clips in common of 40 and 39"):
        compare(one, other)
