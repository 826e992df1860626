"""An explanation as a self-contained HTML page."""

import base64
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import cv2
import jinja2
import numpy as np
from matplotlib.figure import Figure

from emorec.explain.attribution import Explanation, Map
from emorec.figures.plots import COLOURS, png_of
from emorec.media import Image
from emorec.system.files import readable, write_text
from emorec.types import Array

SIDE = 150  # side of an image, in pixels


def write_page(explanation: Explanation, path: Path) -> None:
    """Write the page: modalities, windows, Grad-CAM.

    Args:
        explanation: The explanation to show.
        path: The file to write.
    """
    prediction, label = explanation.prediction, explanation.label
    modalities = list(prediction.alone)
    columns = [prediction.probabilities, *prediction.alone.values()]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = resources.files("emorec.explain").joinpath("page.html").read_text("utf-8")
    sizes = {
        name: f"{weights.shape[1]} x {weights.shape[0]} cells for {name}"
        for shown in explanation.windows.values()
        for name, (_, weights) in shown.items()
    }
    page = environment.from_string(template).render(
        file=readable(prediction.file.name),
        label=label,
        share=f"{prediction.probabilities[label]:.0%}",
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        warnings=prediction.warnings,
        modalities=modalities,
        rows=[
            {"name": name, "shares": [f"{column[name]:.1%}" for column in columns]}
            for name in prediction.probabilities
        ],
        without=list(explanation.without.items()),
        chart=_data(_chart(explanation)),
        coarse=", ".join(sizes.values()) or "no encoder of this model has feature maps",
        windows=[
            {
                "time": f"{prediction.windows[i].start:.2f} to {prediction.windows[i].end:.2f}",
                "change": f"{100 * explanation.contributions[i]:+.2f}",
                "pairs": [
                    {"name": name, "plain": _data(_png(plain)), "marked": _data(_png(marked))}
                    for name, (plain, marked) in _pictures(shown).items()
                ],
            }
            for i, shown in explanation.windows.items()
        ],
    )
    write_text(path, page)


def _pictures(shown: dict[str, tuple[Array, Map]]) -> dict[str, tuple[Image, Image]]:
    found = {}
    for name, (array, weights) in shown.items():
        plain = _picture(array)
        heat = cv2.resize(weights, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        colours = cv2.applyColorMap((255 * heat).astype(np.uint8), cv2.COLORMAP_INFERNO)
        share = (0.6 * heat)[..., None]
        marked = plain * (1 - share) + cv2.cvtColor(colours, cv2.COLOR_BGR2RGB) * share
        flip = array.shape[0] == 1  # a log-mel: low bands at the bottom
        pair = (plain, marked.astype(np.uint8))
        found[name] = tuple(image[::-1] if flip else image for image in pair)
    return {name: (one, other) for name, (one, other) in found.items()}


def _picture(array: Array) -> Image:
    """Return the input of an encoder as an RGB image, its first row at the top."""
    if array.dtype == np.uint8:
        image = array.transpose(1, 2, 0)
    else:
        values = array[0].astype(np.float32)
        low, high = np.percentile(values, (1, 99))
        image = np.clip(255 * (values - low) / max(high - low, 1e-6), 0, 255).astype(np.uint8)
        image = np.repeat(image[..., None], 3, axis=2)
    wide = cv2.resize(np.ascontiguousarray(image), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(wide, np.uint8)


def _chart(explanation: Explanation) -> bytes:
    windows = explanation.prediction.windows
    figure = Figure(figsize=(10, 2.2), dpi=110, layout="constrained")
    axes = figure.subplots()
    values = [100 * value for value in explanation.contributions]
    width = max(0.02, min(0.1, (windows[-1].end - windows[0].start) / (2 * len(windows))))
    colours = [COLOURS[4] if value >= 0 else COLOURS[0] for value in values]
    axes.bar([window.middle for window in windows], values, width, color=colours)
    axes.axhline(0, color="black", lw=0.8)
    axes.set(xlabel="middle of the window (s)", ylabel="points")
    axes.grid(alpha=0.3)
    return png_of(figure)


def _png(image: Image) -> bytes:
    done, data = cv2.imencode(".png", cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR))
    assert done
    return data.tobytes()


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
