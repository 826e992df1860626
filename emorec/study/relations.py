"""Checks of the order relations that a study expects in its results."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from emorec.study.config import Study
from emorec.study.measures import CLASSES, Measures, measures_of

Mean = tuple[float, frozenset[str]]
"""A mean of the main score, and the names of its runs."""


@dataclass(frozen=True)
class RelationCheck:
    """The result of checking a relation.

    Attributes:
        say: The relation in words, with its source.
        held: Number of comparisons in which the first mean was above the second.
        compared: Number of comparisons that could be made.
        differences: Difference of the means of the main score in each comparison, not in percent.
        measures: How to format them.
    """

    say: str
    held: int
    compared: int
    differences: tuple[float, ...]
    measures: Measures = CLASSES

    def line(self) -> str:
        """Return one line of Markdown."""
        if not self.compared:
            return f"- not compared (no runs for it): {self.say}"
        verdict = "held" if self.held == self.compared else "NOT held"
        ties = sum(difference == 0 for difference in self.differences)
        low, high = (self.measures.shown(f(self.differences), "+") for f in (min, max))
        return (
            f"- {verdict}: in {self.held} of {self.compared} comparisons"
            f"{f', {ties} ties' if ties else ''} (differences of {low} to {high} "
            f"{self.measures.change}): {self.say}"
        )


def check_relations(study: Study, results: pd.DataFrame) -> list[RelationCheck]:
    """Compare the means of the main score (accuracy, or mean CCC) that each relation names.

    A side names choices (axis -> choice, ``scores`` for a modality alone, ``case`` and ``rate``
    for a missing one). Axes that neither side names are equal in a comparison; if only one side
    names an axis, it is compared with each choice of the other side.

    Args:
        study: The study, for its relations.
        results: The table of :func:`emorec.study.collect.collect`.
    """
    return [_check(relation, results) for relation in study.relations]


def _check(relation: Mapping[str, Any], results: pd.DataFrame) -> RelationCheck:
    sides = {side: dict(relation[side]) for side in ("greater", "less")}
    named = sides["greater"].keys() | sides["less"].keys()
    means = {}
    measures = measures_of(results)
    for side, where in sides.items():
        wanted: dict[str, Any] = {"scores": "fused", "case": "", "rate": 0.0, **where}
        part = results
        for column, value in wanted.items():
            # The axis of a grid that was not run has no column.
            part = part[part[column] == value] if column in part else part.iloc[:0]
        every = ["grid", "protocol", *_axes(results)]
        common = [column for column in every if column not in named]
        own = [column for column in every if column in named and column not in where]
        # Modalities alone are listed with each cell that started from them; count them once.
        own = [] if "scores" in where else own
        keep = [*common, *own]
        part = part.drop_duplicates([*keep, "cell"])
        groups: dict[tuple[str, ...], list[Mean]] = {}
        by = [*common, *own]
        alike = part.groupby(by, dropna=False) if by else [((), part)]  # both sides name all axes
        for key, runs in alike if len(part) else ():
            shared = tuple(map(str, key))[: len(common)]
            mean = float(runs[measures.main].mean()), frozenset(runs["cell"])
            groups.setdefault(shared, []).append(mean)
        means[side] = groups
    # Compare runs that two grids share once.
    pairs = {
        (high[1], low[1]): round(high[0] - low[0], 9)  # equal means can differ by rounding
        for key, highs in sorted(means["greater"].items())
        for high in highs
        for low in means["less"].get(key, ())
    }
    differences = tuple(pairs.values())
    above = sum(difference > 0 for difference in differences)
    return RelationCheck(str(relation["say"]), above, len(differences), differences, measures)


def _axes(results: pd.DataFrame) -> list[str]:
    return [column for column in results.attrs["axes"] if column in results]
