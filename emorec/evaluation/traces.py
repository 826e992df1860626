"""From values window by window to the trace of a recording, and what is measured on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from emorec.evaluation.measures import TRACE_MEASURES
from emorec.types import Array

Trace = NDArray[np.float64]
"""(steps, dimensions); NaN where nothing is known."""
Traces = Mapping[int, Trace]
"""Position of a clip -> its trace."""


class WindowValues(NamedTuple):
    """What was said of W windows, in order of (clip, window).

    Attributes:
        clip: int64 (W,), position of the clip.
        window: int64 (W,), which of its windows.
        values: float32 (W, T, dimensions).
    """

    clip: Tensor
    window: Tensor
    values: Tensor


def join_windows(
    windows: WindowValues, first_steps: Mapping[int, Sequence[int]], delay: int = 0
) -> dict[int, Trace]:
    """Return position of a clip -> its trace: where windows overlap, the mean of what they say.

    Args:
        windows: What was said.
        first_steps: Position of a clip -> the step that each of its windows begins at.
        delay: Steps by which the trace is to come later, as annotators do; the first value is
            repeated.
    """
    # Metrics drop the axis of a single window.
    clips, indices = windows.clip.reshape(-1).tolist(), windows.window.reshape(-1).tolist()
    shape = windows.values.shape[-2:] or (1, 1)
    values = windows.values.double().cpu().numpy().reshape(len(clips), *shape)
    parts: dict[int, list[tuple[int, Trace]]] = {}
    for clip, window, part in zip(clips, indices, values, strict=True):
        parts.setdefault(clip, []).append((window, part))
    traces: dict[int, Trace] = {}
    for clip, said in sorted(parts.items()):
        starts = first_steps[clip]
        rows = [(starts[window], part) for window, part in said]
        length = max(start + len(part) for start, part in rows)
        total, count = np.zeros((length, values.shape[-1])), np.zeros((length, 1))
        for start, part in rows:
            total[start : start + len(part)] += part
            count[start : start + len(part)] += 1
        trace = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        traces[clip] = np.concatenate([trace[:1].repeat(delay, 0), trace])
    return traces


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well values agree with the gold standard of one dimension.

    Attributes:
        steps: How many steps were compared.
        scores: Name of each of :data:`~emorec.evaluation.measures.TRACE_MEASURES` -> its value;
            None where it is not defined.
    """

    steps: int
    scores: dict[str, float | None]

    @property
    def main(self) -> float | None:
        """The first measure: the CCC."""
        return self.scores[TRACE_MEASURES[0].name]

    def to_dict(self) -> dict[str, float | None]:
        """Return steps and scores by name."""
        return {"steps": self.steps, **self.scores}


NOTHING = Agreement(0, {each.name: None for each in TRACE_MEASURES})


def agreement(values: Trace, gold: Trace) -> list[Agreement]:
    """Return the agreement of each dimension over the steps where both are known.

    Args:
        values: (steps, dimensions).
        gold: (steps, dimensions), of as many steps.
    """
    found = []
    for predicted, true in zip(values.T, gold.T, strict=True):
        known = ~(np.isnan(predicted) | np.isnan(true))
        scores = {each.name: each.of(predicted[known], true[known]) for each in TRACE_MEASURES}
        defined = {name: value if isfinite(value) else None for name, value in scores.items()}
        found.append(Agreement(int(known.sum()), defined))
    return found


def mean_of(found: Sequence[Agreement]) -> dict[str, float | None]:
    """Return the mean of each measure over dimensions, or recordings, where it is defined.

    None: it is defined nowhere.
    """
    means: dict[str, float | None] = {}
    for each in TRACE_MEASURES:
        known = [score for one in found if (score := one.scores[each.name]) is not None]
        means[each.name] = float(np.mean(known)) if known else None
    return means


def joined(traces: Traces, gold: Mapping[int, Array]) -> tuple[Trace, Trace]:
    """Return all recordings one after the other, what was said and the gold standard.

    A recording without a gold standard is left out; of two lengths the smaller one counts.
    """
    pairs = []
    for clip, said in sorted(traces.items()):
        if clip in gold:
            steps = min(len(said), len(gold[clip]))
            pairs.append((said[:steps], np.asarray(gold[clip][:steps], np.float64)))
    if not pairs:
        return np.zeros((0, 1)), np.zeros((0, 1))
    return np.concatenate([x for x, _ in pairs]), np.concatenate([y for _, y in pairs])


def of_length(trace: Trace | Array, steps: int) -> Trace:
    """Return the first steps of a trace (steps, dimensions), NaN where it is shorter."""
    found = np.full((steps, trace.shape[1]), np.nan)
    found[: len(trace)] = trace[:steps]
    return found
