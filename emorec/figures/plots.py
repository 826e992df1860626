"""Matplotlib figures from arrays, and their PNG files."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from emorec.media.image import as_picture
from emorec.networks.landmarks import MESH
from emorec.system.files import readable, write_bytes
from emorec.types import Array

# Okabe and Ito's palette, distinguishable with a colour-vision deficiency.
COLOURS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#0072B2", "#56B4E9", "#F0E442", "#000000")


def png_of(figure: Figure, **options: Any) -> bytes:
    """Return a figure as PNG.

    Args:
        figure: The figure.
        options: Options of matplotlib's ``savefig``.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", **options)
    return buffer.getvalue()


def pixels_of(figure: Figure) -> Array:
    """Return a figure as a picture, uint8 (H, W, 4)."""
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def save_figure(figure: Figure, path: Path, **options: Any) -> None:
    """Write a figure to a PNG file atomically; see :func:`png_of`."""
    write_bytes(path, png_of(figure, **options))


def drawable(name: str) -> str:
    """Return a drawable file name: letters that the font lacks are replaced by boxes."""
    font = get_font(findfont(FontProperties()))
    return "".join(c if font.get_char_index(ord(c)) else "\N{WHITE SQUARE}" for c in readable(name))


def confusion_figure(
    confusion: Sequence[Sequence[int]], classes: Sequence[str], title: str
) -> Figure:
    """Draw a confusion matrix: counts, coloured by the share of the true class.

    Args:
        confusion: (classes, classes), rows true, columns predicted, in clips.
        classes: Names of the classes.
        title: Title of the figure.
    """
    counts = np.asarray(confusion)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure = Figure(figsize=(1.6 + 0.75 * len(classes), 1.4 + 0.7 * len(classes)), dpi=120)
    axes = figure.subplots()
    picture = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        colour = "white" if share[row, column] > 0.5 else "black"
        text = f"{counts[row, column]}\n{share[row, column]:.0%}"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    figure.colorbar(picture, label="share of the true class", fraction=0.046)
    figure.tight_layout()
    return figure


def curves_figure(
    panels: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]],
    stages: Mapping[str, tuple[int, int]],
) -> Figure:
    """Draw curves over epochs, in panels from top to bottom.

    Args:
        panels: Title -> name of a curve -> (epochs, values).
        stages: Name of a stage -> its first epoch and the one after its last.
    """
    panels = panels or {"nothing was logged": {}}
    figure = Figure(figsize=(8, 2.2 * len(panels) + 0.6), dpi=120)
    all_axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (title, curves) in zip(all_axes, panels.items(), strict=True):
        for colour, (name, (epochs, values)) in zip(
            _colours(len(curves)), curves.items(), strict=True
        ):
            axes.plot(epochs, values, label=name, color=colour, marker=".", markersize=3)
        axes.set_title(title, fontsize=9, loc="left", pad=14 if axes is all_axes[0] else None)
        axes.grid(alpha=0.3)
        axes.margins(x=0.02)
        if curves:
            axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
        for number, (first, end) in enumerate(stages.values()):
            axes.axvspan(first - 0.5, end - 0.5, color="grey", alpha=0.12 * (number % 2))
    for name, (first, end) in stages.items():
        middle = (first + end - 1) / 2
        all_axes[0].text(
            middle, 1.02, name, ha="center", fontsize=8, transform=all_axes[0].get_xaxis_transform()
        )
    all_axes[-1].set_xlabel("epoch")
    figure.tight_layout()
    return figure


def timeline_figure(
    times: Sequence[float],
    scores: Sequence[Sequence[float]],
    classes: Sequence[str],
    title: str,
    thumbnails: Sequence[Array | None] = (),
) -> Figure:
    """Draw the probability of each class over time, with key frames above.

    Args:
        times: Middle of each window, in seconds, rising.
        scores: (windows, classes), probabilities.
        classes: Names of the classes.
        title: Title of the figure.
        thumbnails: For each window the face in its key frame, uint8 (H, W, 3), or None; empty if
            pictures were not used.
    """
    figure = Figure(figsize=(10, 4.6), dpi=120)
    strip, axes = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2.6))
    values = np.asarray(scores)
    for colour, name, column in zip(_colours(len(classes)), classes, values.T, strict=True):
        axes.plot(times, column, label=name, color=colour, marker=".")
    axes.set(xlabel="time (s)", ylabel="probability", ylim=(-0.02, 1.02))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    strip.set_title(title, fontsize=10, loc="left")
    strip.set_ylim(0, 1)
    strip.axis("off")
    low, high = min(times), max(times)
    pad = max(0.25, 0.03 * (high - low))
    axes.set_xlim(low - pad, high + pad)
    shown = [i for i in range(len(thumbnails)) if thumbnails[i] is not None]
    wanted = np.linspace(low, high, 10)  # as many as fit side by side
    chosen = (
        {min(shown, key=lambda i: abs(times[i] - float(t))) for t in wanted} if shown else set()
    )
    for i in sorted(chosen):
        image = np.asarray(thumbnails[i])
        box = OffsetImage(image, zoom=62 / image.shape[0])
        strip.add_artist(AnnotationBbox(box, (times[i], 0.5), frameon=False))
    if len(thumbnails) and not shown:
        strip.text(0.5, 0.5, "no face in any window", ha="center", transform=strip.transAxes)
    figure.tight_layout()
    return figure


POINTS = ((68, 3), (MESH, 3))  # of a face, see FaceLandmarks


def windows_figure(
    spans: Sequence[tuple[float, float]],
    arrays: Mapping[str, Sequence[Array | None]],
    title: str,
    sound: tuple[Array, float] | None = None,
) -> Figure:
    """Draw a clip's windows: their arrays and their positions in time.

    Args:
        spans: (start, end) of each window, in seconds.
        arrays: Modality -> one array per window, None where absent: (3, H, W) uint8 is drawn as a
            picture, (1, H, W) or (H, W) as an image with low rows at the bottom.
        title: Title of the figure.
        sound: Samples in -1 to 1, shape (samples,), and their rate in Hz.
    """
    columns = 10
    bands = -(-len(spans) // columns)
    figure = Figure(figsize=(1.3 * columns, 2 + 1.45 * bands * len(arrays)), dpi=110)
    grid = figure.add_gridspec(1 + bands, 1, height_ratios=[1, *[1.3 * len(arrays)] * bands])
    axes = figure.add_subplot(grid[0])
    end = max(end for _, end in spans)
    if sound is not None:
        samples, rate = sound
        axes.plot(np.arange(len(samples)) / rate, samples, color="grey", linewidth=0.4)
        end = max(end, len(samples) / rate)
    for number, (start, stop) in enumerate(spans):
        height = 1 - 2 * (number + 0.5) / len(spans)
        axes.plot((start, stop), (height, height), color=COLOURS[4], linewidth=1.5)
    axes.set(xlim=(0, end), ylim=(-1.05, 1.05), xlabel="time (s)", yticks=[], title=title)
    for number, (start, stop) in enumerate(spans):
        inner = grid[1 + number // columns].subgridspec(len(arrays), columns)
        for row, (name, windows) in enumerate(arrays.items()):
            cell = figure.add_subplot(inner[row, number % columns])
            cell.set(xticks=[], yticks=[])
            if row == 0:
                cell.set_title(f"{start:.2f}-{stop:.2f}", fontsize=7)
            if number % columns == 0:
                cell.set_ylabel(name, fontsize=8)
            _draw_array(cell, windows[number])
    figure.tight_layout()
    return figure


def _draw_array(cell: Axes, array: Array | None) -> None:
    if array is None:
        cell.text(0.5, 0.5, "absent", ha="center", va="center", fontsize=7)
    elif (image := as_picture(array)) is not None:
        cell.imshow(image)
    elif array.ndim == 1:
        cell.plot(array, color="grey", linewidth=0.5)
    elif array.ndim == 3 and array.shape[1:] in POINTS:
        x, y = array[len(array) // 2, :, :2].T  # of the middle frame
        cell.scatter(x, y, s=0.4, color="black")
        cell.set_aspect("equal")
        cell.invert_yaxis()
    else:
        cell.imshow(array.reshape(-1, array.shape[-1]).astype(float), origin="lower", aspect="auto")


def _colours(count: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(count)]
