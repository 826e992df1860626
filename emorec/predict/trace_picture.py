"""The picture of a recording's trace: each dimension over time."""

from matplotlib.figure import Figure

from emorec.figures.plots import COLOURS, drawable
from emorec.predict.trace_prediction import TracePrediction


def trace_picture(prediction: TracePrediction) -> Figure:
    """Draw a panel a dimension: all modalities together, and, thinner, each one alone."""
    count = len(prediction.dimensions)
    figure = Figure(figsize=(11, 0.8 + 2.1 * count), dpi=110, layout="constrained")
    panels = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
    figure.suptitle(drawable(prediction.title), fontsize=10)
    times = prediction.times
    whole = "together" if prediction.alone else "predicted"
    whole += ",\npost-processed" if prediction.processed else ""
    lines = [(whole, prediction.values, "#333333", 1.8)]
    for number, (name, values) in enumerate(prediction.alone.items()):
        lines.append((f"{name} alone", values, COLOURS[number % len(COLOURS)], 0.8))
    for number, (panel, dimension) in enumerate(zip(panels, prediction.dimensions, strict=True)):
        for place, (label, values, colour, width) in enumerate(lines):
            # All together on top; a point where a line would show nothing.
            panel.plot(
                times,
                values[:, number],
                color=colour,
                lw=width,
                label=label,
                zorder=3 - place / len(lines),
                marker="." if len(times) == 1 else "",
            )
        panel.set_ylabel(dimension, fontsize=9)
        panel.set_xlim(0, max(prediction.duration, prediction.step))
        panel.tick_params(labelsize=8)
        panel.grid(alpha=0.3)
    panels[-1].set_xlabel("time (s)", fontsize=9)
    panels[0].legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
