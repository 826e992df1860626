"""Traces of recordings, joined from the values of windows, and their agreement with gold."""

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
"""(steps, dimensions); NaN where unknown."""
Traces = Mapping[int, Trace]
"""Position of a clip -> its trace."""


class WindowValues(NamedTuple):
    """Predictions for W windows, sorted by (clip, window).

    Attributes:
        clip: int64 (W,), position of the clip.
        window: int64 (W,), window of the clip.
        values: float32 (W, T, dimensions).
    """

    clip: Tensor
    window: Tensor
    values: Tensor


def join_windows(
    windows: WindowValues, first_steps: Mapping[int, Sequence[int]], delay: int = 0
) -> dict[int, Trace]:
    """Return position of a clip -> its trace; overlapping windows are averaged.

    Args:
        windows: Predictions.
        first_steps: Position of a clip -> first step of each of its windows.
        delay: Steps to delay the trace by, like the annotations; the first value is repeated.
    """
    # Metrics drop the axis of a single window.
    clips, indices = windows.clip.reshape(-1).tolist(), windows.window.reshape(-1).tolist()
    shape = windows.values.shape[-2:] or (1, 1)
    values = windows.values.double().cpu().numpy().reshape(len(clips), *shape)
    parts: dict[int, list[tuple[int, Trace]]] = {}
    for clip, window, part in zip(clips, indices, values, strict=True):
        parts.setdefault(clip, []).append((window, part))
    traces: dict[int, Trace] = {}
    for clip, windows_of_clip in sorted(parts.items()):
        starts = first_steps[clip]
        rows = [(starts[window], part) for window, part in windows_of_clip]
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
    """Agreement of values with the gold standard of one dimension.

    Attributes:
        steps: Number of compared steps.
        scores: Name of each of :data:`~emorec.evaluation.measures.TRACE_MEASURES` -> its value;
            None where undefined.
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
        gold: (steps, dimensions), with as many steps.
    """
    agreements = []
    for predicted, true in zip(values.T, gold.T, strict=True):
        known = ~(np.isnan(predicted) | np.isnan(true))
        scores = {each.name: each.of(predicted[known], true[known]) for each in TRACE_MEASURES}
        defined = {name: value if isfinite(value) else None for name, value in scores.items()}
        agreements.append(Agreement(int(known.sum()), defined))
    return agreements


def mean_of(agreements: Sequence[Agreement]) -> dict[str, float | None]:
    """Return the mean of each measure over the dimensions or recordings where it is defined.

    None: it is undefined for all.
    """
    means: dict[str, float | None] = {}
    for each in TRACE_MEASURES:
        scores = [one.scores[each.name] for one in agreements]
        defined = [score for score in scores if score is not None]
        means[each.name] = float(np.mean(defined)) if defined else None
    return means


def joined(traces: Traces, gold: Mapping[int, Array]) -> tuple[Trace, Trace]:
    """Return the predictions and the gold standard of all recordings, concatenated.

    Recordings without a gold standard are dropped; each pair is cut to the shorter one.
    """
    pairs = []
    for clip, trace in sorted(traces.items()):
        if clip in gold:
            steps = min(len(trace), len(gold[clip]))
            pairs.append((trace[:steps], np.asarray(gold[clip][:steps], np.float64)))
    if not pairs:
        return np.zeros((0, 1)), np.zeros((0, 1))
    return np.concatenate([x for x, _ in pairs]), np.concatenate([y for _, y in pairs])


def of_length(trace: Trace | Array, steps: int) -> Trace:
    """Return a trace (steps, dimensions), cut or padded with NaN to a number of steps."""
    resized = np.full((steps, trace.shape[1]), np.nan)
    resized[: len(trace)] = trace[:steps]
    return resized
