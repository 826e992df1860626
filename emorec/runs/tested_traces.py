"""What testing a regression leaves: agreement with the gold standard, traces, a picture."""

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

SHOWN = 6  # recordings in the picture


@dataclass(frozen=True)
class TestedTraces:
    """Traces of test recordings of one kind of values.

    Attributes:
        name: Of the values: ``fused``, or a modality.
        traces: Position of a clip -> its trace.
        raw: The same before post-processing.
        decision: The model's.
        gold: Position of a clip -> its gold standard, (steps, dimensions).
        data: The data module.
    """

    __test__ = False  # no test class, whatever pytest thinks of its name

    name: str
    traces: Traces
    raw: Traces
    decision: TraceDecision
    gold: Mapping[int, Array]
    data: EmotionData

    def results(self) -> dict[str, Any]:
        """Return what ``metrics.json`` has of it; the fused values are those after processing."""
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
        """Return name of a measure -> value."""
        found = self._measured(self.traces)
        names = [each.name for each in TRACE_MEASURES]
        means = {name: found[name] for name in names}
        return means | {
            f"{name}_{dimension}": values[name]
            for dimension, values in found["dimensions"].items()
            for name in names
        }

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """Yield name and picture: the first recordings, and the gold standard."""
        shown = {
            self.data.all_clips[clip].id: (trace, self.gold.get(clip))
            for clip, trace in list(self.traces.items())[:SHOWN]
        }
        selected = ", SELECTED ON TEST" if self.data.select_on_test else ""
        title = f"{self.name}: {len(self.traces)} test recordings{selected}"
        target = self.decision.target
        yield "traces", trace_figure(shown, target.names, target.step, title)

    def table(self) -> pd.DataFrame:
        """Return a row a step: recording, time in seconds, values, and the gold standard."""
        target = self.decision.target
        nothing = np.zeros((0, len(target)))  # has the columns, where no recording is left
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
    """Return a row a step: recording, time in seconds, values, and the gold standard.

    Args:
        name: Id of the recording.
        trace: (steps, dimensions).
        gold: (steps, dimensions), of another length perhaps; None: columns without values.
        dimensions: Their names.
        step: Seconds.
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
