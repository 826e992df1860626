"""Statistical inference: bootstrap intervals over speakers, and paired tests between methods."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

RESAMPLES = 2000


class DifferentTestsError(ValueError):
    """Two runs to be compared tested different clips; the message counts them."""


def read_predictions(folders: Iterable[Path], scores: str) -> pd.DataFrame:
    """Return one row per tested clip: run, clip, group, right (0 or 1).

    Args:
        folders: Run directories.
        scores: Kind of scores, ``fused`` or a modality.
    """
    suffix = "" if scores == "fused" else f"_{scores}"
    tables = []
    for folder in folders:
        table = pd.read_csv(folder / f"predictions{suffix}.csv", dtype=str, keep_default_na=False)
        table = table[table["target"] != ""]
        right = (table["target"] == table["predicted"]).astype(float)
        tables.append(
            pd.DataFrame(
                {"run": folder.name, "clip": table["clip"], "group": table["group"], "right": right}
            )
        )
    return pd.concat(tables, ignore_index=True)


def interval(predictions: pd.DataFrame) -> tuple[float, float] | None:
    """Return the 95 % bootstrap interval of the accuracy, resampling speakers.

    Speakers are resampled because clips of one speaker are alike. The decisions of all runs are
    pooled; the variation between trained models is not included.

    Args:
        predictions: The table of :func:`read_predictions`.

    Returns:
        The limits, 0 to 1 (percentile method); None with fewer than three speakers, or if some are
        unknown.
    """
    groups = predictions.groupby("group")["right"]
    right, count = groups.sum().to_numpy(), groups.count().to_numpy()
    if len(count) < 3 or "" in groups.groups:
        return None

    def accuracy(right: np.ndarray, count: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(right.sum(axis) / count.sum(axis))

    found = stats.bootstrap(
        (right, count),
        accuracy,
        n_resamples=RESAMPLES,
        paired=True,
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    limits = found.confidence_interval
    return float(limits.low), float(limits.high)


def compare(one: pd.DataFrame, other: pd.DataFrame) -> tuple[float, float, int] | None:
    """Test whether two methods differ on the same tested clips of the same splits.

    A paired sign-flip permutation test (:func:`scipy.stats.permutation_test`) on the accuracies of
    runs. The units are runs, not speakers or clips: all clips of a run share one trained model and
    its luck in training.

    Args:
        one: Predictions of one method, with ``run`` naming split and seed.
        other: Predictions of the other method, on the same splits.

    Returns:
        Mean difference, two-sided p (never below 2 / 2^runs), and the number of pairs of runs; None
        with fewer than three pairs.

    Raises:
        DifferentTestsError: Two paired runs did not test the same clips.
    """
    shared = sorted(set(one["run"]) & set(other["run"]))
    for run in shared:
        tested = [set(side.loc[side["run"] == run, "clip"]) for side in (one, other)]
        if tested[0] != tested[1]:
            raise DifferentTestsError(
                f"{len(tested[0] & tested[1])} clips in common of {len(tested[0])} and "
                f"{len(tested[1])}"
            )
    both = one.merge(other, on=["run", "clip"], suffixes=("_one", "_other"))
    means = both.groupby("run")[["right_one", "right_other"]].mean()
    return compare_runs(means["right_one"], means["right_other"])


def compare_runs(
    one: "pd.Series[float]", other: "pd.Series[float]"
) -> tuple[float, float, int] | None:
    """Test whether two methods differ, given one score per run.

    Args:
        one: The score of each run of one method.
        other: Those of the other method; runs with equal index are pairs, others are ignored.

    Returns:
        As :func:`compare`.
    """
    one, other = one.align(other, join="inner")
    if len(one) < 3:
        return None
    pair = one.to_numpy(), other.to_numpy()

    def difference(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(np.mean(x - y, axis=axis))

    found = stats.permutation_test(
        pair,
        difference,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(0),
    )
    return float(found.statistic), float(found.pvalue), len(one)


def area(rates: Sequence[float], values: Sequence[float]) -> float:
    """Return the area under a curve divided by its width, that is, its mean height."""
    return float(np.trapezoid(values, rates) / (rates[-1] - rates[0]))
