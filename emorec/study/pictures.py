"""The figures of a study: scores over a number, missing modalities, confusion matrices."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from emorec.figures.lines import Points, lines_figure
from emorec.figures.plots import confusion_figure
from emorec.study.config import Grid, Study, StudyError
from emorec.study.measures import CLASSES, measures_of
from emorec.study.runner import finished

CONFUSIONS = 8  # confusion matrices are drawn up to this many choices in a grid


def pictures(
    study: Study, grid: str, results: pd.DataFrame, cells: Path
) -> Iterator[tuple[str, Figure]]:
    """Yield file name without extension, and figure.

    Args:
        study: The study.
        grid: Name of the grid.
        results: The table of :func:`emorec.study.collect.collect`.
        cells: Folder of the run directories.
    """
    found = results[(results["grid"] == grid) & (results["scores"] == "fused")]
    first, *others = study.grids[grid].axes
    for protocol, part in found.groupby("protocol", sort=False):
        whole = part[part["case"] == ""]
        for number, lines in enumerate(study.grids[grid].lines):
            name = f"{grid}_{protocol}_{lines['x']}{number or ''}"
            yield name, _over_a_number(study.grids[grid], lines, whole)
        if study.grids[grid].robustness and (part["case"] != "").any():
            for choices, runs in part.groupby(others, sort=False) if others else [((), part)]:
                name = "_".join([grid, str(protocol), "missing", *map(str, choices)])
                yield name, _missing(runs, first)
        if not measures_of(results).by_clip:
            continue
        kinds = list(whole.groupby([first, *others], sort=False))
        for choices, runs in kinds if len(kinds) <= CONFUSIONS else ():
            label = "-".join(map(str, choices))
            yield f"{grid}_{protocol}_confusion_{label}", _confusion(label, runs, cells)


def _over_a_number(grid: Grid, lines: Mapping[str, Any], results: pd.DataFrame) -> Figure:
    """Draw the main score over an axis whose choices are numbers."""
    measures = measures_of(results)
    x, by, panel = lines["x"], lines.get("by"), lines.get("panel")
    for axis in (x, by, panel):
        if axis is not None and axis not in grid.axes:
            raise StudyError(
                f"lines names {axis!r}, which is no axis of the grid ({', '.join(grid.axes)})"
            )
    panels: dict[str, dict[str, Points]] = {}
    # Methods run with only one choice on the panels' axis, such as a baseline, are in all panels.
    common = results.iloc[:0]
    if panel and by:
        counts = results.groupby(by)[panel].transform("nunique")
        common = results[(counts == 1) & (counts.max() > 1)]
    rest = results.drop(common.index)
    for title, own in rest.groupby(panel, sort=False) if panel else [("", results)]:
        part = pd.concat([common, own])
        series = panels.setdefault(f"{panel} {title}" if panel else "", {})
        for name, runs in part.groupby(by, sort=False) if by else [(measures.name, part)]:
            series[str(name)] = _points(runs, x, measures.main)
    return lines_figure(panels, x=x, y=measures.drawn, log=bool(lines.get("log")))


def _missing(results: pd.DataFrame, by: str) -> Figure:
    """Draw accuracy over the rate of missing modalities; classes only."""
    panels: dict[str, dict[str, Points]] = {}
    for case in [case for case in results["case"].unique() if case]:
        part = results[(results["case"] == case) | (results["case"] == "")]
        panels[f"{case} missing"] = {
            str(name): _points(runs, "rate", CLASSES.main)
            for name, runs in part.groupby(by, sort=False)
        }
    return lines_figure(panels, x="share of test clips without it", y=CLASSES.drawn)


def _points(runs: pd.DataFrame, x: str, score: str) -> Points:
    try:
        at = runs[x].astype(float)
    except ValueError as error:
        raise StudyError(f"lines: the choices of {x} must be numbers: {error}") from error
    groups = runs.groupby(at)[score]
    spread = groups.std(ddof=1).fillna(0.0)
    return list(zip(groups.mean().index, groups.mean(), spread, strict=True))


def _confusion(label: str, runs: pd.DataFrame, cells: Path) -> Figure:
    total, classes = None, []
    for name in runs["cell"]:
        results = finished(cells / name)
        assert results is not None  # it has a row in the table
        counts = np.asarray(results.test["fused"]["confusion"])
        total = counts if total is None else total + counts
        classes = list(next(iter(results.classes.values())))
    assert total is not None
    title = f"{label}: {len(runs)} runs pooled, {total.sum()} decisions"
    return confusion_figure(total.tolist(), classes, title)
