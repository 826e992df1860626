"""What the runs of a study are measured by: decisions on clips, or traces of continuous targets."""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emorec.evaluation.measures import MEASURES, TRACE_MEASURES

STEPS = "tested_steps_"  # of a dimension, whose name follows
MAIN = TRACE_MEASURES[0]
# What no axis begins with: columns named after measures and dimensions.
TAKEN = (*(each.name for each in TRACE_MEASURES), "tested_")


@dataclass(frozen=True)
class Measures:
    """How the scores of runs are named and shown.

    Attributes:
        main: Column of the score that tables, tests, relations and pictures go by; more is better.
        name: The main score in words.
        several: Several of it, in words.
        headings: Column of a score -> its heading in tables, in their order, the main one first.
        of: What is tested, in words; ``tested_`` and this is the column of how many there were.
        count: Heading of their number, of all runs.
        formats: Column of a score -> what it is multiplied by where it is shown, and the decimals.
        change: Unit of a difference.
        drawn: What the vertical axis of a picture says.
        by_clip: Whether each tested clip has one decision. Only then are there confusion matrices,
            decisions of all runs to pool, and speakers to draw from for an interval.
        about: What the numbers are: the beginning of the report.
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
        """Return a score, or a difference of scores, as it is shown.

        Args:
            value: The score, not yet multiplied by its factor.
            sign: ``+``: with its sign; ``+z``: the same, but never minus zero.
            column: Of the score; the main one where empty.
            digits: The least number of decimals.
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
over runs. Pooled accuracy is that of all runs' decisions, and the interval is its bootstrap over
speakers: that training again would give another model is in the ±, not in the interval.""",
)


def continuous(dimensions: Sequence[str]) -> Measures:
    """Return how runs with a continuous target are measured.

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
correlation coefficient with the gold standard, -1 to 1, over all test recordings of a run one after
the other (fused: after the post-processing); mean CCC is the mean of the dimensions; ± is the
standard deviation over runs. There is no interval over speakers: only the ± says how sure a mean
is.""",
    )


def measures_of(columns: Iterable[Hashable]) -> Measures:
    """Return what a table of :func:`emorec.study.collect.collect`, or a row of it, is measured by.

    Args:
        columns: Its columns; a table without rows counts as one of classes.
    """
    dimensions = dimensions_of(columns)
    return continuous(dimensions) if dimensions else CLASSES


def dimensions_of(columns: Iterable[Hashable]) -> list[str]:
    """Return the names of a continuous target's dimensions; of classes there are none."""
    return [name.removeprefix(STEPS) for name in map(str, columns) if name.startswith(STEPS)]


def scores_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of one kind of scores: how much was tested, and the scores.

    Args:
        found: Its metrics in ``metrics.json``, as the callback Report left them. What is
            undefined becomes not a number.
    """
    dimensions: Mapping[str, Any] | None = found.get("dimensions")
    if dimensions is None:
        # A run of before a measure was there does not have it.
        known = {key: _number(found[key]) for key in CLASSES.headings if key in found}
        return {"tested_clips": found["clips"], **known}
    columns: dict[str, Any] = {"tested_recordings": found["recordings"]}
    columns |= {f"{STEPS}{name}": each["steps"] for name, each in dimensions.items()}
    # A run of before a measure was there does not have it.
    for each in (each for each in TRACE_MEASURES if each.name in found):
        columns[each.name] = _number(found[each.name])
        columns |= {f"{each.name}_{n}": _number(d[each.name]) for n, d in dimensions.items()}
    if "before_processing" in found:  # of the fused values alone
        columns[f"{MAIN.name}_before_processing"] = _number(found["before_processing"])
    return columns


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
