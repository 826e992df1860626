"""What a study leaves: results, predictions, tables, comparisons and pictures."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from emorec.files import write_text
from emorec.study.cells import Cell, runs_of
from emorec.study.collect import code_version, collect
from emorec.study.config import Study
from emorec.study.inference import area, compare, read_predictions
from emorec.study.pictures import pictures
from emorec.study.relations import check_relations
from emorec.study.runner import CELLS
from emorec.study.tables import latex, markdown, rows_of

HEAD = """# {name}

{runs} runs are finished, of {cells}; code {code}. Accuracy is by clip; ± is the standard deviation
over runs, and the interval is a bootstrap over speakers of all runs' decisions pooled. "Shares
speakers" marks a split whose test speakers are in training, too: it says little about new people.
The choice of epochs saw validation clips only, except where a line says SELECTED ON TEST.
"""
COMPARED = 6  # choices of a grid's first axis up to which all pairs are compared


def write_report(study: Study, cells: Sequence[Cell], out: Path, root: Path) -> str:
    """Write ``results.csv``, ``predictions.csv``, ``table.md``, ``table.tex`` and pictures.

    Args:
        study: The study.
        cells: Its cells; what is not finished is left out.
        out: Its folder.
        root: Where the code is, for its version.

    Returns:
        The content of ``table.md``.
    """
    results = collect(cells, out)
    runs = results[results["rate"] == 0]["cell"].nunique() if len(results) else 0
    known = {"name": study.name, "cells": len(runs_of(cells)), "code": code_version(root)}
    parts = [HEAD.format(runs=runs, **known)]
    if not len(results):
        return parts[0]
    write_text(out / "results.csv", results.to_csv(index=False))
    predictions = pd.concat(_predictions(results, out / CELLS), ignore_index=True)
    write_text(out / "predictions.csv", predictions.to_csv(index=False))
    sources = []
    for grid in results["grid"].unique():
        rows = rows_of(study, grid, results, out / CELLS)
        parts += [f"## {grid}", markdown(rows)]
        sources.append(f"% {grid}\n{latex(rows)}")
        parts += list(_comparisons(study, grid, results, out / CELLS))
        parts += list(_robustness(study, grid, results))
        for name, figure in pictures(study, grid, results, out / CELLS):
            figure.savefig(out / f"{name}.png", bbox_inches="tight")
            parts.append(f"![{name}]({name}.png)")
    if study.relations:
        parts += ["## Order relations"]
        parts += ["\n".join(held.line() for held in check_relations(study, results))]
    text = "\n\n".join(parts) + "\n"
    write_text(out / "table.tex", "\n".join(sources))
    write_text(out / "table.md", text)
    return text


def _predictions(results: pd.DataFrame, cells: Path) -> Iterator[pd.DataFrame]:
    pairs = results[results["rate"] == 0][["cell", "scores"]].drop_duplicates()
    for cell, scores in pairs.itertuples(index=False):
        suffix = "" if scores == "fused" else f"_{scores}"
        table = pd.read_csv(cells / cell / f"predictions{suffix}.csv", dtype={"clip": str})
        table.insert(0, "scores", scores)
        table.insert(0, "cell", cell)
        yield table


def _comparisons(study: Study, grid: str, results: pd.DataFrame, cells: Path) -> Iterator[str]:
    """Yield lines that compare the choices on the first axis, all else being the same."""
    first, *others = study.grids[grid].axes
    whole = results[
        (results["grid"] == grid) & (results["scores"] == "fused") & (results["rate"] == 0)
    ]
    if whole[first].nunique() < 2 or whole[first].nunique() > COMPARED:
        return
    lines = []
    for key, part in whole.groupby(["protocol", *others], sort=False):
        for one, other in itertools.combinations(part[first].unique(), 2):
            sides = [_by_split(part[part[first] == choice], cells) for choice in (one, other)]
            found = compare(*sides)
            if found is not None:
                difference, p, unit = found
                lines.append(
                    f"- {', '.join(map(str, key))}: {one} - {other} = {100 * difference:+.1f} "
                    f"points, p = {p:.3f} ({unit})"
                )
    if lines:
        yield (
            "Paired sign-flip permutation tests on the same test clips, two-sided, not corrected "
            "for their number:"
        )
        yield "\n".join(lines)


def _by_split(runs: pd.DataFrame, cells: Path) -> pd.DataFrame:
    """Return the predictions of runs, each run named by its split and seed."""
    tables = []
    for cell, fold, seed in runs[["cell", "fold", "seed"]].itertuples(index=False):
        tables.append(read_predictions([cells / cell], "fused").assign(run=f"{fold} {seed}"))
    return pd.concat(tables, ignore_index=True)


def _robustness(study: Study, grid: str, results: pd.DataFrame) -> Iterator[str]:
    """Yield a table of relative and effective robustness, where a modality was missing.

    After MultiBench (Liang et al. 2021): relative robustness is the mean height of the curve of
    accuracy over the rate of missing; effective robustness is how much higher it lies than the
    first choice's curve, after both are moved to the same accuracy without missing; the choices on
    the other axes are the same.
    """
    first, *others = study.grids[grid].axes
    found = results[(results["grid"] == grid) & (results["scores"] == "fused")]
    cases = [case for case in found["case"].unique() if case]
    if not cases:
        return
    lines = []
    for (protocol, *rest), part in found.groupby(["protocol", *others], sort=False):
        for case in cases:
            base: float | None = None
            curves = part[part["case"].isin(["", case])]
            for choice, runs in curves.groupby(first, sort=False):
                means = runs.groupby("rate")["accuracy"].mean()
                height = area(list(means.index), list(means))
                drop = height - float(means.iloc[0])
                base = drop if base is None else base
                lines.append(
                    {
                        "protocol": protocol,
                        **dict(zip(others, rest, strict=True)),
                        "missing": case,
                        first: choice,
                        **{f"{rate:.0%}": f"{100 * value:.1f}" for rate, value in means.items()},
                        "relative robustness, %": f"{100 * height:.1f}",
                        "effective robustness, points": f"{100 * (drop - base):+.1f}",
                    }
                )
    yield "Accuracy in % by the share of test clips without a modality (mean over runs):"
    yield pd.DataFrame(lines).to_markdown(index=False, disable_numparse=True)
