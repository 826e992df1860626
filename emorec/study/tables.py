"""The tables of a study: mean, spread, runs, interval, and published numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from emorec.study.config import Study, StudyError
from emorec.study.inference import interval, read_predictions
from emorec.study.measures import Measures, measures_of

WHOLE = "fused"


@dataclass(frozen=True)
class Row:
    """One line of a table: a choice on each axis, under one protocol.

    Attributes:
        choices: Axis -> choice, and ``scores``.
        protocol: Name of the protocol.
        runs: Number of runs.
        tested: Number of decisions on test clips, or of test recordings, over all runs; a modality
            alone is not tested where it is missing.
        scores: Column of a score -> its mean and standard deviation (n - 1) over runs.
        pooled: Accuracy of all decisions; None for a continuous target.
        limits: Its 95 % bootstrap interval over speakers, if defined.
        published: Main score of a publication and its source, if any.
        marked: Caveats to show beside the number.
    """

    choices: Mapping[str, str]
    protocol: str
    runs: int
    tested: int
    scores: Mapping[str, tuple[float, float]]
    pooled: float | None
    limits: tuple[float, float] | None
    published: tuple[float, str] | None
    marked: str


def rows_of(study: Study, grid: str, results: pd.DataFrame, cells: Path) -> list[Row]:
    """Return the rows of a grid's table by protocol, modalities alone first.

    Args:
        study: The study.
        grid: Name of the grid.
        results: The table of :func:`emorec.study.collect.collect`.
        cells: Folder of the run directories.
    """
    axes = list(study.grids[grid].axes)
    shared = list(study.grids[grid].pretrain_axes)
    found = results[(results["grid"] == grid) & (results["case"] == "")]
    rows = []
    for protocol in study.protocols:
        part = found[found["protocol"] == protocol]
        own = part["cell"].isin(part.loc[part["scores"] == WHOLE, "cell"])
        # Many cells can start from one pre-training; count it once.
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
    measures = measures_of(runs)
    where = {"grid": grid, **choices, "protocol": protocol}
    marks = []
    pooled, limits = None, None
    if measures.by_clip:
        decisions = read_predictions([cells / name for name in runs["cell"]], scores)
        tested, pooled = len(decisions), float(decisions["right"].mean())
        limits = interval(decisions)
    else:
        tested = int(runs[f"tested_{measures.of}"].sum())
        undefined = int(runs[measures.main].isna().sum())
        if undefined:  # no gold standard, or a constant one: excluded from the mean
            marks.append(f"{measures.name} undefined in {undefined}")
    if runs["selected_on_test"].any():
        marks.append("SELECTED ON TEST")
    if (runs["normalised_within"] == "speaker").any():
        marks.append("normalised within speakers")
    if (runs["speakers_shared"] == True).any():  # noqa: E712 - None where speakers are unknown
        marks.append("shares speakers")
    return Row(
        {"scores": scores, **choices},
        protocol,
        len(runs),
        tested,
        {column: _mean(runs[column]) for column in measures.headings if column in runs},
        pooled,
        limits,
        _published(study, measures.main, where),
        ", ".join(marks),
    )


def _published(study: Study, main: str, where: Mapping[str, str]) -> tuple[float, str] | None:
    for each in study.published:
        wanted = {"scores": WHOLE, **each["where"]}
        if all(where.get(axis) == choice for axis, choice in wanted.items()):
            if main not in each:
                raise StudyError(
                    f"published, {each['source']}: it has no {main}, the main score of the runs"
                )
            return float(each[main]), str(each["source"])
    return None


def markdown(rows: Sequence[Row], measures: Measures) -> str:
    """Return a table in Markdown; the best mean of each protocol is bold."""
    return _table(rows, measures, bold="**{}**").to_markdown(index=False, disable_numparse=True)


def latex(rows: Sequence[Row], measures: Measures) -> str:
    """Return a LaTeX tabular (package booktabs); the best mean of each protocol is bold."""
    table = _table(rows, measures, bold="\\textbf{{{}}}", plus_minus="$\\pm$", escape=True)
    return str(table.to_latex(index=False, escape=False))


def _table(
    rows: Sequence[Row],
    measures: Measures,
    *,
    bold: str,
    plus_minus: str = "±",
    escape: bool = False,
) -> pd.DataFrame:
    def plain(text: str) -> str:
        return text.replace("%", "\\%").replace("_", "\\_").replace("&", "\\&") if escape else text

    means = pd.DataFrame([(row.protocol, row.scores[measures.main][0]) for row in rows])
    best = means.groupby(0)[1].max()  # ignores undefined ones
    names = list(dict.fromkeys(name for row in rows for name in row.choices))
    # Runs from before a measure was added lack it.
    known = [key for key in measures.headings if any(key in row.scores for row in rows)]
    lines: list[dict[str, Any]] = []
    for row in rows:
        shown = {
            key: _spread(measures, key, row.scores[key], plus_minus) if key in row.scores else ""
            for key in known
        }
        if row.scores[measures.main][0] == best[row.protocol]:
            shown[measures.main] = bold.format(shown[measures.main])
        line = {
            "protocol": plain(row.protocol + (f" ({row.marked})" if row.marked else "")),
            **{plain(name): plain(row.choices.get(name, "")) for name in names},
            **{plain(measures.headings[key]): shown[key] for key in known},
        }
        if row.pooled is not None:
            line[plain("pooled accuracy, %")] = measures.shown(row.pooled)
            low_to_high = "" if row.limits is None else " to ".join(map(measures.shown, row.limits))
            line[plain("95 % interval")] = low_to_high
        line |= {"runs": str(row.runs), measures.count: str(row.tested)}
        if any(each.published for each in rows):
            value, source = row.published or (None, "")
            # At least two decimals, as published.
            text = "" if value is None else f"{measures.shown(value, digits=2)} ({source})"
            line["published"] = plain(text)
        lines.append(line)
    return pd.DataFrame(lines)


def _spread(measures: Measures, key: str, value: tuple[float, float], plus_minus: str) -> str:
    mean, deviation = value
    if mean != mean and key != measures.main:  # the runs lack this measure
        return ""
    if deviation != deviation:  # one run has no spread
        return measures.shown(mean, column=key)
    spread = measures.shown(deviation, column=key)
    return f"{measures.shown(mean, column=key)} {plus_minus} {spread}"


def _mean(values: "pd.Series[float]") -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1))
