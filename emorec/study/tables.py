"""The tables of a study: mean, spread, runs, interval, and what is published beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from emorec.study.config import Study
from emorec.study.inference import interval, read_predictions

WHOLE = "fused"


@dataclass(frozen=True)
class Row:
    """One line of a table: a choice on each axis, under one protocol.

    Attributes:
        choices: Axis -> choice, and ``scores``.
        protocol: Name of the protocol.
        runs: How many runs.
        clips: How many decisions on test clips, of all runs; a modality alone is not tested where
            it is missing.
        accuracy: Mean and standard deviation (n - 1) of the clip accuracy, 0 to 1, over runs.
        uar: The same of the unweighted average recall.
        macro_f1: The same of the mean of the classes' F1.
        pooled: Accuracy of all decisions.
        limits: Its 95 % bootstrap interval over speakers, where there is one.
        published: Accuracy of a publication and its source, where there is one.
        marked: What must stand beside the number.
    """

    choices: Mapping[str, str]
    protocol: str
    runs: int
    clips: int
    accuracy: tuple[float, float]
    uar: tuple[float, float]
    macro_f1: tuple[float, float]
    pooled: float
    limits: tuple[float, float] | None
    published: tuple[float, str] | None
    marked: str


def rows_of(study: Study, grid: str, results: pd.DataFrame, cells: Path) -> list[Row]:
    """Return the rows of a grid's table, protocol after protocol, modalities alone first.

    Args:
        study: The study.
        grid: Name of the grid.
        results: What :func:`emorec.study.collect.collect` returned.
        cells: Folder of the run directories.
    """
    axes = list(study.grids[grid].axes)
    shared = list(study.grids[grid].pretrain_axes)
    found = results[(results["grid"] == grid) & (results["case"] == "")]
    rows = []
    for protocol in study.protocols:
        part = found[found["protocol"] == protocol]
        own = part["cell"].isin(part.loc[part["scores"] == WHOLE, "cell"])
        # Many cells start from one pre-training: it counts once.
        alone = part[~own].drop_duplicates(["cell", "scores", *shared])
        for names, table in ((shared, alone), (axes, part[own])):
            keys = [*names, "scores"]
            for values, runs in table.groupby(keys, sort=False):
                choices = dict(zip(keys, map(str, values), strict=True))
                rows.append(_row(study, grid, choices, protocol, runs, cells))
    return rows


def _row(
    study: Study,
    grid: str,
    choices: dict[str, str],
    protocol: str,
    runs: pd.DataFrame,
    cells: Path,
) -> Row:
    scores = choices["scores"]
    decisions = read_predictions([cells / name for name in runs["cell"]], scores)
    where = {"grid": grid, **choices, "protocol": protocol}
    marks = []
    if runs["selected_on_test"].any():
        marks.append("SELECTED ON TEST")
    if (runs["speakers_shared"] == True).any():  # noqa: E712 - None where speakers are unknown
        marks.append("shares speakers")
    return Row(
        {"scores": scores, **choices},
        protocol,
        len(runs),
        len(decisions),
        _mean(runs["accuracy"]),
        _mean(runs["uar"]),
        _mean(runs["macro_f1"]),
        float(decisions["right"].mean()),
        interval(decisions),
        next(
            (
                (float(each["accuracy"]), str(each["source"]))
                for each in study.published
                if all(where.get(axis) == choice for axis, choice in each["where"].items())
                and each["where"].get("scores", WHOLE) == scores
            ),
            None,
        ),
        ", ".join(marks),
    )


def markdown(rows: Sequence[Row]) -> str:
    """Return a table in Markdown; the best mean of each protocol is bold."""
    return _table(rows, bold="**{}**").to_markdown(index=False, disable_numparse=True)


def latex(rows: Sequence[Row]) -> str:
    """Return a LaTeX tabular (package booktabs); the best mean of each protocol is bold."""
    table = _table(rows, bold="\\textbf{{{}}}", plus_minus="$\\pm$", escape=True)
    return str(table.to_latex(index=False, escape=False))


def _table(
    rows: Sequence[Row], *, bold: str, plus_minus: str = "±", escape: bool = False
) -> pd.DataFrame:
    def plain(text: str) -> str:
        return text.replace("%", "\\%").replace("_", "\\_").replace("&", "\\&") if escape else text

    best = {
        protocol: max(row.accuracy[0] for row in rows if row.protocol == protocol)
        for protocol in {row.protocol for row in rows}
    }
    names = list(dict.fromkeys(name for row in rows for name in row.choices))
    lines: list[dict[str, Any]] = []
    for row in rows:
        accuracy = _spread(row.accuracy, plus_minus)
        if row.accuracy[0] == best[row.protocol]:
            accuracy = bold.format(accuracy)
        line = {
            "protocol": plain(row.protocol + (f" ({row.marked})" if row.marked else "")),
            **{plain(name): plain(row.choices.get(name, "")) for name in names},
            plain("accuracy, %"): accuracy,
            plain("UAR, %"): _spread(row.uar, plus_minus),
            plain("macro F1, %"): _spread(row.macro_f1, plus_minus),
            plain("pooled accuracy, %"): f"{100 * row.pooled:.1f}",
            plain("95 % interval"): "" if row.limits is None else _range(row.limits),
            "runs": str(row.runs),
            "decisions": str(row.clips),
        }
        if any(each.published for each in rows):
            value, source = row.published or (None, "")
            text = "" if value is None else f"{100 * value:.2f} ({source})"
            line["published"] = plain(text)
        lines.append(line)
    return pd.DataFrame(lines)


def _spread(value: tuple[float, float], plus_minus: str) -> str:
    mean, deviation = value
    if deviation != deviation:  # one run has no spread
        return f"{100 * mean:.1f}"
    return f"{100 * mean:.1f} {plus_minus} {100 * deviation:.1f}"


def _range(limits: tuple[float, float]) -> str:
    low, high = limits
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _mean(values: "pd.Series[float]") -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1))
