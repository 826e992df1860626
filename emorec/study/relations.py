"""Whether the order relations that a study expects hold in its results."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from emorec.study.config import Study
from emorec.study.measures import CLASSES, Measures, measures_of

Mean = tuple[float, frozenset[str]]
"""A mean of the main score, and the runs that it is of."""


@dataclass(frozen=True)
class RelationCheck:
    """A relation, checked.

    Attributes:
        say: The relation in words, with who states it.
        held: In how many comparisons the first mean was above the second.
        compared: How many comparisons could be made.
        differences: Of the means of the main score, not in percent, one a comparison.
        measures: How they are shown.
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
    for a missing one). What neither side names is the same on both sides of a comparison; what only
    one side names is compared with each choice of the other.

    Args:
        study: The study, for its relations.
        results: What :func:`emorec.study.collect.collect` returned.
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
            # An axis of a grid that was not run has no column.
            part = part[part[column] == value] if column in part else part.iloc[:0]
        every = ["grid", "protocol", *_axes(results)]
        common = [column for column in every if column not in named]
        own = [column for column in every if column in named and column not in where]
        # Modalities alone are listed with each cell that started from them: they count once.
        own = [] if "scores" in where else own
        keep = [*common, *own]
        part = part.drop_duplicates([*keep, "cell"])
        groups: dict[tuple[str, ...], list[Mean]] = {}
        by = [*common, *own]
        alike = part.groupby(by, dropna=False) if by else [((), part)]  # all is named
        for key, runs in alike if len(part) else ():
            shared = tuple(map(str, key))[: len(common)]
            mean = float(runs[measures.main].mean()), frozenset(runs["cell"])
            groups.setdefault(shared, []).append(mean)
        means[side] = groups
    # Runs that two grids share are compared once.
    pairs = {
        (high[1], low[1]): round(high[0] - low[0], 9)  # equal means differ by rounding
        for key, highs in sorted(means["greater"].items())
        for high in highs
        for low in means["less"].get(key, ())
    }
    differences = tuple(pairs.values())
    above = sum(difference > 0 for difference in differences)
    return RelationCheck(str(relation["say"]), above, len(differences), differences, measures)


def _axes(results: pd.DataFrame) -> list[str]:
    return [column for column in results.attrs["axes"] if column in results]
