"""Test results of a regression: agreement with the gold standard, traces, a figure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from emorec.evaluation.decision import TraceDecision
from emorec.evaluation.measures import TRACE_MEASURES
from emorec.evaluation.traces import NOTHING, Trace, Traces, agreement, joined, mean_of
from emorec.figures.traces import trace_figure
from emorec.types import Array, EmotionData

SHOWN = 6  # recordings in the figure


@dataclass(frozen=True)
class TestedTraces:
    """Traces of test recordings for one kind of values.

    Attributes:
        name: Name of the values: ``fused``, or a modality.
        traces: Position of a clip -> its trace, (steps, dimensions).
        raw: The same before post-processing.
        decision: The model's decision.
        gold: Position of a clip -> its gold standard, (steps, dimensions).
        data: The data module.
    """

    __test__ = False  # not a test class, despite its name

    name: str
    traces: Traces
    raw: Traces
    decision: TraceDecision
    gold: Mapping[int, Array]
    data: EmotionData

    def results(self) -> dict[str, Any]:
        """Return its entry in ``metrics.json``; the fused values are post-processed."""
        found = self._measured(self.traces)
        if self.name == "fused":
            names = self.decision.target.names
            found["before_processing"] = self._measured(self.raw)[TRACE_MEASURES[0].name]
            found["chain"] = {
                name: chain.described()
                for name, chain in zip(names, self.decision.chains(), strict=True)
            }
        return found

    def scores(self) -> dict[str, float | None]:
        """Return measure name -> value."""
        found = self._measured(self.traces)
        names = [each.name for each in TRACE_MEASURES]
        means = {name: found[name] for name in names}
        return means | {
            f"{name}_{dimension}": values[name]
            for dimension, values in found["dimensions"].items()
            for name in names
        }

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """Yield name and figure: the first recordings with their gold standard."""
        shown = {
            self.data.all_clips[clip].id: (trace, self.gold.get(clip))
            for clip, trace in list(self.traces.items())[:SHOWN]
        }
        selected = ", SELECTED ON TEST" if self.data.select_on_test else ""
        title = f"{self.name}: {len(self.traces)} test recordings{selected}"
        target = self.decision.target
        yield "traces", trace_figure(shown, target.names, target.step, title)

    def table(self) -> pd.DataFrame:
        """Return one row per step: recording, time in seconds, values, and the gold standard."""
        target = self.decision.target
        nothing = np.zeros((0, len(target)))  # gives the columns if there is no recording
        parts = [trace_table("", nothing, None, target.names, target.step)]
        for clip, trace in self.traces.items():
            name, gold = self.data.all_clips[clip].id, self.gold.get(clip)
            parts.append(trace_table(name, trace, gold, target.names, target.step))
        return pd.concat(parts)

    def _measured(self, traces: Traces) -> dict[str, Any]:
        names = self.decision.target.names
        known = sorted(self.gold.keys() & traces.keys())
        whole = agreement(*joined(traces, self.gold)) if known else [NOTHING] * len(names)
        alone = {clip: agreement(*joined({clip: traces[clip]}, self.gold)) for clip in known}
        found: dict[str, dict[str, Any]] = {
            name: each.to_dict() for name, each in zip(names, whole, strict=True)
        }
        for number, name in enumerate(names):
            of_each = [each[number] for each in alone.values()]
            main = TRACE_MEASURES[0].name
            found[name][f"{main}_mean_of_recordings"] = mean_of(of_each)[main]
        return {
            "recordings": len(known),
            **mean_of(whole),
            "dimensions": found,
            "per_recording": {
                self.data.all_clips[clip].id: {
                    n: a.to_dict() for n, a in zip(names, each, strict=True)
                }
                for clip, each in alone.items()
            },
        }


def trace_table(
    name: str, trace: Trace, gold: Array | None, dimensions: Sequence[str], step: float
) -> pd.DataFrame:
    """Return one row per step: recording, time in seconds, values, and the gold standard.

    Args:
        name: Id of the recording.
        trace: Predicted values, (steps, dimensions).
        gold: (steps, dimensions), of any length; None: empty columns.
        dimensions: Names of the dimensions.
        step: Seconds per step.
    """
    table = pd.DataFrame({"recording": name, "time": np.arange(len(trace)) * step}).round(6)
    for number, dimension in enumerate(dimensions):
        table[dimension] = trace[:, number].round(6)
    for number, dimension in enumerate(dimensions):
        true = np.full(len(trace), np.nan)
        if gold is not None:
            steps = min(len(trace), len(gold))
            true[:steps] = gold[:steps, number]
        table[f"gold_{dimension}"] = true.round(6)
    return table
