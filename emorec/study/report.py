"""The report of a study: results, predictions, tables, comparisons and figures."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from emorec.figures.plots import save_figure
from emorec.study.cells import Cell, runs_of
from emorec.study.collect import collect
from emorec.study.comparisons import comparisons
from emorec.study.config import Study
from emorec.study.inference import area
from emorec.study.measures import CLASSES, measures_of
from emorec.study.pictures import pictures
from emorec.study.relations import check_relations
from emorec.study.runner import CELLS
from emorec.study.tables import latex, markdown, rows_of
from emorec.system.files import write_text

HEAD = """# {name}

{runs} of {cells} runs are finished; code {code}. {about} "Shares
speakers" marks a split whose test speakers are also in training: it says little about new people.
No epoch was selected on test clips, except where a row says SELECTED ON TEST.
"""
WITHIN = """"Normalised within speakers" marks inputs that were normalised with all clips of each
speaker, test clips too, without their labels: it needs several clips of each new person."""


def write_report(study: Study, cells: Sequence[Cell], out: Path) -> str:
    """Write ``results.csv``, ``predictions.csv``, ``table.md``, ``table.tex`` and figures.

    Continuous targets have no ``predictions.csv``, and nothing on missing modalities.

    Args:
        study: The study.
        cells: Its cells; unfinished ones are skipped.
        out: Folder of the study.

    Returns:
        The content of ``table.md``.

    Raises:
        StudyError: The runs have different targets, or the file of the study names an axis or a
            score that they lack.
    """
    results = collect(cells, out)
    measures = measures_of(results)
    runs = results["cell"].nunique() if len(results) else 0
    codes = sorted(results["code"].unique()) if runs else []
    known = {"name": study.name, "cells": len(runs_of(cells)), "code": ", ".join(codes) or "none"}
    parts = [HEAD.format(runs=runs, about=measures.about, **known)]
    if not runs:
        return parts[0]
    if (results["normalised_within"] == "speaker").any():
        parts.append(WITHIN)
    if len(codes) > 1:
        parts.append("**The runs are of several versions of the code**; results.csv says which.")
    write_text(out / "results.csv", results.to_csv(index=False))
    if measures.by_clip:  # traces are long and stay in the run directories
        predictions = pd.concat(_predictions(results, out / CELLS), ignore_index=True)
        write_text(out / "predictions.csv", predictions.to_csv(index=False))
    sources = []
    for grid in results["grid"].unique():
        rows = rows_of(study, grid, results, out / CELLS)
        parts += [f"## {grid}", markdown(rows, measures)]
        sources.append(f"% {grid}\n{latex(rows, measures)}")
        parts += list(comparisons(study, grid, results, out / CELLS))
        if study.grids[grid].robustness:
            parts += list(_robustness(study, grid, results))
        for name, figure in pictures(study, grid, results, out / CELLS):
            save_figure(figure, out / f"{name}.png", bbox_inches="tight")
            parts.append(f"![{name}]({name}.png)")
    if study.relations:
        parts += ["## Order relations"]
        parts += ["\n".join(check.line() for check in check_relations(study, results))]
    text = "\n\n".join(parts) + "\n"
    write_text(out / "table.tex", "\n".join(sources))
    write_text(out / "table.md", text)
    return text


def _predictions(results: pd.DataFrame, cells: Path) -> Iterator[pd.DataFrame]:
    pairs = results[results["case"] == ""][["cell", "scores"]].drop_duplicates()
    for cell, scores in pairs.itertuples(index=False):
        suffix = "" if scores == "fused" else f"_{scores}"
        # As text, so that a speaker 01 or a class "none" is kept.
        path = cells / cell / f"predictions{suffix}.csv"
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table.insert(0, "scores", scores)
        table.insert(0, "cell", cell)
        yield table


def _robustness(study: Study, grid: str, results: pd.DataFrame) -> Iterator[str]:
    """Yield a table of relative and effective robustness to missing modalities.

    After MultiBench (Liang et al. 2021): relative robustness is the mean height of the curve of
    accuracy over the rate of missing; effective robustness is its height above the curve of the
    first choice, after both are shifted to the same accuracy with nothing missing; choices on the
    other axes are equal.
    """
    first, *others = study.grids[grid].axes
    found = results[(results["grid"] == grid) & (results["scores"] == "fused")]
    cases = [case for case in found["case"].unique() if case]
    if not cases:
        return
    lines = []
    reference = next(iter(study.grids[grid].axes[first]))
    for (protocol, *rest), part in found.groupby(["protocol", *others], sort=False):
        for case in cases:
            base = float("nan")  # if the first choice was not run
            curves = part[part["case"].isin(["", case])]
            for choice, runs in curves.groupby(first, sort=False):
                means = runs.groupby("rate")[CLASSES.main].mean()
                if len(means) < 2:
                    continue
                height = area(list(means.index), list(means))
                drop = height - float(means.iloc[0])
                base = drop if choice == reference else base
                lines.append(
                    {
                        "protocol": protocol,
                        **dict(zip(others, rest, strict=True)),
                        "missing": case,
                        first: choice,
                        **{f"{rate:.0%}": f"{100 * value:.1f}" for rate, value in means.items()},
                        "relative robustness, %": f"{100 * height:.1f}",
                        "effective robustness, points": f"{round(100 * (drop - base), 1) + 0:+.1f}",
                    }
                )
    yield "Accuracy in % by the share of test clips without a modality (mean over runs):"
    yield pd.DataFrame(lines).to_markdown(index=False, disable_numparse=True)
