"""The measures of a study: of decisions on clips, or of traces of continuous targets."""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emorec.evaluation.measures import MEASURES, TRACE_MEASURES

STEPS = "tested_steps_"  # followed by the name of a dimension
MAIN = TRACE_MEASURES[0]
# Reserved beginnings of axis names: those of columns for measures and dimensions.
TAKEN = (*(each.name for each in TRACE_MEASURES), "tested_")


@dataclass(frozen=True)
class Measures:
    """How the scores of runs are named and shown.

    Attributes:
        main: Column of the main score, used in tables, tests, relations and figures; higher is
            better.
        name: The main score in words.
        several: Its plural.
        headings: Column of a score -> its heading in tables, in order, the main one first.
        of: The tested units in words; the column ``tested_`` plus this counts them.
        count: Heading of their number, over all runs.
        formats: Column of a score -> the factor for display, and the number of decimals.
        change: Unit of a difference.
        drawn: Label of the vertical axis in figures.
        by_clip: Whether each tested clip has one decision. Only then are there confusion matrices,
            pooled decisions of all runs, and speakers to resample for an interval.
        about: Explanation of the numbers, at the beginning of the report.
    """

    main: str
    name: str
    several: str
    headings: Mapping[str, str]
    of: str
    count: str
    formats: Mapping[str, tuple[float, int]]
    change: str
    drawn: str
    by_clip: bool
    about: str

    def shown(self, value: float, sign: str = "", column: str = "", digits: int = 0) -> str:
        """Return a score, or a difference of scores, formatted for display.

        Args:
            value: The score, without its factor.
            sign: ``+``: with its sign; ``+z``: the same, but never minus zero.
            column: Column of the score; empty: the main one.
            digits: Minimum number of decimals.
        """
        factor, usual = self.formats[column or self.main]
        return f"{factor * value:{sign}.{max(usual, digits)}f}"


CLASSES = Measures(
    main=MEASURES[0].name,
    name="accuracy",
    several="accuracies",
    headings={each.name: each.heading for each in MEASURES},
    formats={each.name: (each.factor, each.digits) for each in MEASURES},
    of="clips",
    count="decisions",
    change="points",
    drawn="test accuracy by clip",
    by_clip=True,
    about="""Accuracy is by clip; ± is the standard deviation
over runs. Pooled accuracy is over the decisions of all runs, its bootstrap interval over speakers:
the variation between trained models is in the ±, not in the interval.""",
)


def continuous(dimensions: Sequence[str]) -> Measures:
    """Return the measures of runs with a continuous target.

    Args:
        dimensions: Names of the target's dimensions, such as ``arousal``.
    """
    columns = {f"{MAIN.name}_{name}": f"{MAIN.title} {name}" for name in dimensions}
    return Measures(
        main=MAIN.name,
        name=f"mean {MAIN.title}",
        several=f"{MAIN.title}s",
        headings={MAIN.name: f"mean {MAIN.title}", **columns},
        formats=dict.fromkeys((MAIN.name, *columns), (MAIN.factor, MAIN.digits)),
        of="recordings",
        count="test recordings",
        change="in CCC",
        drawn="mean CCC of test recordings",
        by_clip=False,
        about="""CCC is the concordance
correlation coefficient with the gold standard, -1 to 1, over the concatenated test recordings of
a run (fused: after post-processing); mean CCC is the mean over dimensions; ± is the standard
deviation over runs. There is no interval over speakers: only the ± shows how certain a mean is.""",
    )


def measures_of(columns: Iterable[Hashable]) -> Measures:
    """Return the measures of a table of :func:`emorec.study.collect.collect`, or a row of it.

    Args:
        columns: Its columns; an empty table counts as one of classes.
    """
    dimensions = dimensions_of(columns)
    return continuous(dimensions) if dimensions else CLASSES


def dimensions_of(columns: Iterable[Hashable]) -> list[str]:
    """Return the names of a continuous target's dimensions; empty for classes."""
    return [name.removeprefix(STEPS) for name in map(str, columns) if name.startswith(STEPS)]


def scores_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of one kind of scores: the number of tests, and the scores.

    Args:
        found: Its metrics in ``metrics.json``, written by the callback Report. Undefined values
            become NaN.
    """
    dimensions: Mapping[str, Any] | None = found.get("dimensions")
    if dimensions is None:
        # Runs from before a measure was added lack it.
        known = {key: _number(found[key]) for key in CLASSES.headings if key in found}
        return {"tested_clips": found["clips"], **known}
    columns: dict[str, Any] = {"tested_recordings": found["recordings"]}
    columns |= {f"{STEPS}{name}": each["steps"] for name, each in dimensions.items()}
    # Runs from before a measure was added lack it.
    for each in (each for each in TRACE_MEASURES if each.name in found):
        columns[each.name] = _number(found[each.name])
        columns |= {f"{each.name}_{n}": _number(d[each.name]) for n, d in dimensions.items()}
    if "before_processing" in found:  # fused values only
        columns[f"{MAIN.name}_before_processing"] = _number(found["before_processing"])
    return columns


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
