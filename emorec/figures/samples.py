"""A sheet of samples by class."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from emorec.types import Array


def sheet_figure(rows: Sequence[Array], names: Sequence[str], title: str) -> Figure:
    """Draw pictures in rows, one row a class.

    Args:
        rows: For each class (N, 3, H, W), colours in 0 to 1, or (N, 1, H, W) in -1 to 1, drawn as
            spectrograms, low bands below.
        names: Of the classes.
        title: Of the sheet.
    """
    count = max(len(row) for row in rows)
    size = 0.7 * count + 1.2, 0.7 * len(rows) + 0.4
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    every = figure.subplots(len(rows), count, squeeze=False)
    for axes, pictures, name in zip(every, rows, names, strict=True):
        for place in axes:
            place.set_axis_off()
        for place, picture in zip(axes, pictures, strict=False):
            if picture.shape[0] == 3:
                place.imshow(np.moveaxis(picture, 0, -1).clip(0, 1))
            else:
                place.imshow(picture[0], cmap="magma", vmin=-1, vmax=1, origin="lower")
        axes[0].set_title(name, fontsize=6, loc="left", pad=2)
    figure.suptitle(title, fontsize=8)
    return figure
