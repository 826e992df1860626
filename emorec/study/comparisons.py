"""Paired tests between the methods of a study."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from emorec.study.config import Study
from emorec.study.inference import DifferentTestsError, compare, compare_runs, read_predictions
from emorec.study.measures import Measures, measures_of
from emorec.study.runner import finished

COMPARED = 6  # all pairs are compared up to this many choices on a grid's first axis
NOTE = """Paired sign-flip permutation tests between runs on the same split and test {of}: the
difference of the mean {several}, and the two-sided p (at least 2 / 2^n with n pairs of runs: 0.0625
with 5, 0.031 with 6), not corrected for multiple tests. Folds share training clips, so their runs
are not fully independent."""


def comparisons(study: Study, grid: str, results: pd.DataFrame, cells: Path) -> Iterator[str]:
    """Yield a note and a table that compare the choices on a grid's first axis.

    All else is equal; a method that was run with only one choice on another axis (a baseline
    without a weight to vary) is compared with each choice.

    Args:
        study: The study.
        grid: Name of the grid.
        results: The table of :func:`emorec.study.collect.collect`.
        cells: Folder of the run directories.
    """
    first, *others = study.grids[grid].axes
    of_grid = results["grid"] == grid
    whole = results[of_grid & (results["scores"] == "fused") & (results["case"] == "")]
    if not 2 <= whole[first].nunique() <= COMPARED:
        return
    measures = measures_of(results)
    lines = []
    for protocol, runs in whole.groupby("protocol", sort=False):
        sides = dict(list(runs.groupby(first, sort=False)))
        for one, other in itertools.combinations(map(str, sides), 2):
            for key, pair in _pairs(sides[one], sides[other], others):
                line = {"protocol": protocol, **key, "compared": f"{other} - {one}"}
                change = f"difference, {measures.change}"
                try:
                    found = _tested(measures, pair, cells)
                except DifferentTestsError as error:
                    # The common subset is not the test set of either method.
                    words = f"not compared: other test data ({error})"
                    lines.append({**line, change: words, "p": "-", "pairs of runs": "-"})
                    continue
                if found is not None:
                    difference, p, count = found
                    shown = measures.shown(-difference, "+z")
                    line |= {change: shown, "p": f"{p:.3f}", "pairs of runs": str(count)}
                    lines.append(line)
    if lines:
        note = NOTE.format(of=measures.of, several=measures.several)
        yield note.replace("\n", " ")
        yield pd.DataFrame(lines).to_markdown(index=False, disable_numparse=True)


def _pairs(
    one: pd.DataFrame, other: pd.DataFrame, axes: list[str]
) -> Iterator[tuple[dict[str, str], tuple[pd.DataFrame, pd.DataFrame]]]:
    """Yield the choices on the other axes, and the runs of both sides with them."""
    if not axes:
        yield {}, (one, other)
        return
    if len(one.drop_duplicates(axes)) > len(other.drop_duplicates(axes)):
        for key, (left, right) in _pairs(other, one, axes):
            yield key, (right, left)
        return
    for values, part in other.groupby(axes, sort=False):
        key = dict(zip(axes, map(str, values), strict=True))
        partner = one
        for axis in (axis for axis in axes if one[axis].nunique() > 1):
            partner = partner[partner[axis] == key[axis]]
        # A single choice on an axis stands for all, unless the other side has it, too.
        single = {axis: one[axis].iloc[0] for axis in axes if one[axis].nunique() == 1}
        elsewhere = any(key[a] != c and (other[a] == c).any() for a, c in single.items())
        if len(partner) and not elsewhere:
            yield key, (partner, part)


def _tested(
    measures: Measures, pair: tuple[pd.DataFrame, pd.DataFrame], cells: Path
) -> tuple[float, float, int] | None:
    if measures.by_clip:
        return compare(*(_by_split(side, cells) for side in pair))
    one, other = (_recordings(side, cells) for side in pair)
    for run in sorted(one.keys() & other.keys()):
        if one[run] != other[run]:
            raise DifferentTestsError(
                f"{len(one[run] & other[run])} recordings in common of {len(one[run])} and "
                f"{len(other[run])}"
            )
    return compare_runs(*(_scores(side, measures.main) for side in pair))


def _by_split(runs: pd.DataFrame, cells: Path) -> pd.DataFrame:
    """Return the predictions of runs, with runs named by split and seed."""
    tables = []
    for cell, fold, seed in runs[["cell", "fold", "seed"]].itertuples(index=False):
        tables.append(read_predictions([cells / cell], "fused").assign(run=f"{fold} {seed}"))
    return pd.concat(tables, ignore_index=True)


def _recordings(runs: pd.DataFrame, cells: Path) -> dict[str, set[str]]:
    """Return run, named by split and seed -> the recordings that it tested.

    The CCC is over all recordings of a run, so runs that share only some of them are no pair.
    """
    found = {}
    for cell, fold, seed in runs[["cell", "fold", "seed"]].itertuples(index=False):
        results = finished(cells / cell)
        assert results is not None  # it has a row in the table
        found[f"{fold} {seed}"] = set(results.test["fused"]["per_recording"])
    return found


def _scores(runs: pd.DataFrame, score: str) -> "pd.Series[float]":
    """Return the scores of runs, indexed by split and seed."""
    names = runs["fold"].astype(str) + " " + runs["seed"].astype(str)
    return pd.Series(runs[score].to_numpy(), index=names, dtype=float).dropna()
