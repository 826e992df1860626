"""A figure of predicted traces and the gold standard."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from emorec.evaluation.measures import TRACE_MEASURES
from emorec.evaluation.traces import Trace, agreement
from emorec.types import Array


def trace_figure(
    recordings: Mapping[str, tuple[Trace, Array | None]],
    dimensions: Sequence[str],
    step: float,
    title: str,
) -> Figure:
    """Draw one row per recording and one column per dimension, each with its CCC.

    Args:
        recordings: Name -> values (steps, dimensions), and the gold standard, if any.
        dimensions: Names of the dimensions.
        step: Seconds per step.
        title: Title of the figure.
    """
    rows, columns = max(1, len(recordings)), len(dimensions)
    figure = Figure(figsize=(5.5 * columns, 0.6 + 1.9 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey="col")
    figure.suptitle(title, fontsize=11)
    for row, (name, (trace, gold)) in zip(panels, recordings.items(), strict=False):
        for number, (panel, dimension) in enumerate(zip(row, dimensions, strict=True)):
            text = f"{name}: {dimension}"
            if gold is not None:
                steps = min(len(trace), len(gold))
                time = np.arange(len(gold)) * step
                panel.plot(time, gold[:, number], color="0.35", lw=1, label="gold standard")
                main = agreement(trace[:steps], np.asarray(gold[:steps], np.float64))[number].main
                text += "" if main is None else f", {TRACE_MEASURES[0].title} {main:.2f}"
            time = np.arange(len(trace)) * step
            panel.plot(time, trace[:, number], color="tab:orange", lw=1.2, label="predicted")
            panel.set_title(text, fontsize=9, loc="left")
            panel.tick_params(labelsize=8)
            panel.grid(alpha=0.3)
            panel.margins(x=0)
    for panel in panels[-1]:
        panel.set_xlabel("seconds", fontsize=9)
    handles, labels = panels[0][0].get_legend_handles_labels()
    if handles:
        panels[0][0].legend(handles, labels, fontsize=8, loc="upper right")
    return figure
