"""Figures: their texts, and that they render."""

from io import BytesIO

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox

from emorec.figures.plots import (
    COLOURS,
    confusion_figure,
    curves_figure,
    timeline_figure,
    windows_figure,
)
from emorec.types import Array

CLASSES = ["anger", "joy", "calm"]


def png(figure: Figure) -> bytes:
    target = BytesIO()
    figure.savefig(target, format="png")
    return target.getvalue()


def ticks(labels: list[object]) -> list[str]:
    return [str(label.get_text()) for label in labels]  # type: ignore[attr-defined]


def test_a_confusion_matrix_shows_counts_and_the_share_of_the_true_class() -> None:
    figure = confusion_figure([[3, 1, 0], [0, 0, 0], [1, 0, 9]], CLASSES, "fused")
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == (
        "predicted",
        "true",
        "fused",
    )
    assert ticks(list(axes.get_xticklabels())) == ticks(list(axes.get_yticklabels())) == CLASSES
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert len(cells) == 9
    assert cells[1, 0] == "1\n25%"  # column, row: true anger taken for joy
    assert cells[0, 1] == "0\n0%"  # a class that does not occur
    assert cells[2, 2] == "9\n90%"
    assert figure.axes[1].get_ylabel() == "share of the true class"
    assert png(figure).startswith(b"\x89PNG")


def test_dark_cells_have_light_text() -> None:
    figure = confusion_figure([[9, 1], [5, 5]], CLASSES[:2], "")
    colours = {text.get_position(): text.get_color() for text in figure.axes[0].texts}
    assert colours == {(0, 0): "white", (1, 0): "black", (0, 1): "black", (1, 1): "black"}


def test_curves_have_a_panel_each_with_a_legend_and_the_stages() -> None:
    panels = {
        "accuracy": {"audio": ([0.0, 1.0], [0.2, 0.4]), "fused": ([2.0, 3.0], [0.5, 0.7])},
        "loss": {"class": ([0.0, 1.0, 2.0, 3.0], [2.0, 1.5, 1.0, 0.5])},
    }
    figure = curves_figure(panels, {"unimodal": (0, 2), "joint": (2, 4)})
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["accuracy", "loss"]
    assert figure.axes[-1].get_xlabel() == "epoch"
    first, second = figure.axes
    legend = first.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["audio", "fused"]
    assert np.asarray(second.get_lines()[0].get_ydata()).tolist() == [2.0, 1.5, 1.0, 0.5]
    assert {text.get_text(): text.get_position()[0] for text in first.texts} == {
        "unimodal": 0.5,
        "joint": 2.5,
    }
    assert png(figure).startswith(b"\x89PNG")


def test_curves_render_without_any_panel() -> None:
    # A run that was cut short may have logged nothing.
    assert png(curves_figure({}, {"joint": (0, 2)})).startswith(b"\x89PNG")


def test_more_curves_than_colours_start_over() -> None:
    curves = {str(i): ([0.0, 1.0], [float(i), 0.0]) for i in range(len(COLOURS) + 2)}
    lines = curves_figure({"many": curves}, {}).axes[0].get_lines()
    assert len(lines) == len(COLOURS) + 2
    assert lines[0].get_color() == lines[len(COLOURS)].get_color() == COLOURS[0]


@pytest.mark.parametrize("faces", [0, 1, 25])
def test_a_timeline_shows_each_class_and_at_most_ten_faces(faces: int) -> None:
    times = [0.25 + 0.1 * i for i in range(25)]
    scores = np.random.default_rng(0).dirichlet(np.ones(3), 25)
    crop = np.full((224, 224, 3), 128, np.uint8)
    thumbnails = [crop if i < faces else None for i in range(25)]
    figure = timeline_figure(times, scores.tolist(), CLASSES, "clip: joy", thumbnails)
    strip, axes = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (s)", "probability")
    assert strip.get_title(loc="left") == "clip: joy"
    assert [line.get_label() for line in axes.get_lines()] == CLASSES
    assert np.asarray(axes.get_lines()[1].get_ydata()).tolist() == pytest.approx(
        scores[:, 1].tolist()
    )
    boxes = [artist for artist in strip.get_children() if isinstance(artist, AnnotationBbox)]
    assert len(boxes) == min(10, faces)
    texts = {text.get_text() for text in strip.texts}
    assert ("no face in any window" in texts) == (faces == 0)
    assert png(figure).startswith(b"\x89PNG")


def test_a_timeline_of_a_single_window_renders() -> None:
    figure = timeline_figure([0.25], [[0.1, 0.2, 0.7]], CLASSES, "short")
    low, high = figure.axes[1].get_xlim()
    assert low < 0.25 < high
    assert png(figure).startswith(b"\x89PNG")


def test_each_window_is_drawn_in_each_modality_or_marked_absent() -> None:
    face, mel = np.full((3, 8, 8), 200, np.uint8), np.zeros((1, 5, 7), np.float16)
    spans = [(0.1 * i, 0.1 * i + 0.5) for i in range(12)]
    arrays: dict[str, list[Array | None]] = {"audio": [mel] * 12, "face": [face] * 11 + [None]}
    figure = windows_figure(spans, arrays, "clip", (np.zeros(1000), 500.0))
    overview, *cells = figure.axes
    assert overview.get_title() == "clip"
    assert overview.get_xlim() == (0, 2)
    assert len(overview.lines) == 1 + len(spans)
    assert len(cells) == 24
    assert sum(len(cell.images) for cell in cells) == 23
    assert [text.get_text() for cell in cells for text in cell.texts] == ["absent"]
    assert png(figure).startswith(b"\x89PNG")


def test_points_are_drawn_as_points_and_grey_clips_as_pictures() -> None:
    random = np.random.default_rng(0)
    points = random.uniform(0, 100, (6, 68, 3)).astype(np.float32)
    clip = np.full((5, 1, 8, 8), 90, np.uint8)
    arrays: dict[str, list[Array | None]] = {"landmarks": [points], "face": [clip]}
    _, *cells = windows_figure([(0.0, 1.0)], arrays, "clip").axes
    (drawn,) = cells[0].collections
    assert np.allclose(drawn.get_offsets(), points[3, :, :2])
    assert cells[0].yaxis_inverted()  # y is down
    (image,) = cells[1].images
    picture = image.get_array()
    assert picture is not None
    assert picture.shape == (8, 8, 3)
