"""Figures of predictions: probabilities or values over time, for all and each modality."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.patches import Patch

from emorec.figures.plots import COLOURS, drawable, timeline_figure
from emorec.predict.prediction import ClassPrediction, Prediction, TracePrediction
from emorec.predict.timeline import Timeline, TimelineRow

FACES = 10  # that fit side by side


def prediction_figure(prediction: Prediction) -> Figure:
    """Draw the windows of a clip, or the trace of a recording, over time."""
    if isinstance(prediction, TracePrediction):
        return _trace(prediction)
    assert isinstance(prediction, ClassPrediction)
    label = prediction.label
    return timeline_figure(
        [window.middle for window in prediction.windows],
        prediction.scores,
        list(prediction.probabilities),
        f"{drawable(prediction.title)}: {label} ({prediction.probabilities[label]:.0%})",
        prediction.crops,
    )


def _trace(prediction: TracePrediction) -> Figure:
    """Draw one panel per dimension: all modalities together and, thinner, each alone."""
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
            # The fused trace on top; a marker where a line of one point would be invisible.
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


def timeline_figures(timeline: Timeline) -> Iterator[tuple[int | None, Figure]]:
    """Yield one figure per person: faces, probabilities, and strips of the most likely classes.

    Strips: all modalities together, each alone, and (dark) where the modalities alone agree.
    """
    for person in timeline.persons:
        yield person, _figure(timeline, person)


def _figure(timeline: Timeline, person: int | None) -> Figure:
    rows = timeline.of(person)
    names = [name for name in timeline.modalities if any(name in row.alone for row in rows)]
    strips = ["together", *names] if len(names) > 1 else ["together"]
    agree = len(names) > 1
    figure = Figure(figsize=(11, 3.6 + 0.32 * (len(strips) + agree)), dpi=110)
    heights = [0.8, 2.6, 0.32 * (len(strips) + agree)]
    faces, curves, bands = figure.subplots(3, 1, sharex=True, height_ratios=heights)
    who = "sound only" if person is None else f"person {person}"
    faces.set_title(f"{drawable(timeline.title)}: {who}", fontsize=10, loc="left", pad=12)
    _draw_faces(faces, timeline.faces.get(person, []), timeline.duration)
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(timeline.classes))]
    times = np.array([row.window.middle for row in rows])
    scores = np.array([row.scores for row in rows])
    # Lines must not cross gaps in which the person was absent.
    step = np.diff(times).min() if len(times) > 1 else 1.0
    gaps = np.flatnonzero(np.diff(times) > 1.5 * step) + 1
    times, scores = np.insert(times, gaps, np.nan), np.insert(scores, gaps, np.nan, axis=0)
    for name, colour, column in zip(timeline.classes, colours, scores.T, strict=True):
        curves.plot(
            times, column, color=colour, label=name, lw=1.2, marker="." if len(rows) < 60 else ""
        )
    curves.set(ylabel="probability", ylim=(-0.02, 1.02), xlim=(0, timeline.duration))
    curves.grid(alpha=0.3)
    handles = [Patch(color=c, label=n) for c, n in zip(colours, timeline.classes, strict=True)]
    curves.legend(handles=handles, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    _draw_bands(bands, rows, strips, colours, float(step), agree=agree)
    bands.set_xlabel("time (s)")
    figure.tight_layout()
    return figure


def _draw_faces(axes: Axes, faces: list[tuple[float, np.ndarray]], duration: float) -> None:
    axes.axis("off")
    axes.set_ylim(0, 1)
    if not faces:
        axes.text(0.5, 0.4, "no face", ha="center", transform=axes.transAxes, fontsize=9)
        return
    wanted = np.linspace(0, duration, FACES)
    nearest = {min(range(len(faces)), key=lambda i: abs(faces[i][0] - t)) for t in wanted}
    for i in sorted(nearest):
        time, image = faces[i]
        box = OffsetImage(image, zoom=52 / image.shape[0])
        axes.add_artist(AnnotationBbox(box, (time, 0.5), frameon=False))


def _draw_bands(
    axes: Axes,
    rows: list[TimelineRow],
    strips: list[str],
    colours: list[str],
    step: float,
    *,
    agree: bool,
) -> None:
    names = [*strips, "agree"] if agree else strips
    for number, name in enumerate(names):
        for colour, spans in _spans(rows, name, strips, colours, step).items():
            axes.broken_barh(spans, (number, 0.9), color=colour)
    axes.set_ylim(len(names), 0)
    axes.set_yticks([n + 0.45 for n in range(len(names))], names, fontsize=8)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _spans(
    rows: list[TimelineRow], strip: str, strips: list[str], colours: list[str], step: float
) -> dict[str, list[tuple[float, float]]]:
    """Return colour -> (start, length) in seconds; adjacent windows of one colour are merged."""
    found: dict[str, list[tuple[float, float]]] = {}
    before = None
    for row in rows:
        colour = _colour(row, strip, strips, colours)
        start = row.window.middle - step / 2
        if colour is not None:
            spans = found.setdefault(colour, [])
            if colour == before and start - sum(spans[-1]) < step / 2:
                begin = spans.pop()[0]
                spans.append((begin, start + step - begin))
            else:
                spans.append((start, step))
        before = colour
    return found


def _colour(row: TimelineRow, strip: str, strips: list[str], colours: list[str]) -> str | None:
    def best(scores: list[float]) -> int:
        return max(range(len(scores)), key=scores.__getitem__)

    if strip == "together":
        return colours[best(row.scores)]
    if strip == "agree":
        found = {best(row.alone[name]) for name in strips if name in row.alone}
        return "#444444" if len(found) == 1 and all(n in row.alone for n in strips[1:]) else None
    return colours[best(row.alone[strip])] if strip in row.alone else None
