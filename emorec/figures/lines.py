"""Line plots, such as accuracy over the rate of missing pictures."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from emorec.figures.plots import COLOURS

Points = Sequence[tuple[float, float, float]]
"""(x, mean, standard deviation) of each point."""


def lines_figure(
    panels: Mapping[str, Mapping[str, Points]],
    *,
    x: str,
    y: str,
    log: bool = False,
    chance: float | None = None,
) -> Figure:
    """Draw panels side by side, one line per series, with bars of one standard deviation.

    Args:
        panels: Title -> name of a series -> its points, by rising x; a single point at 0 is drawn
            as a horizontal line.
        x: Label of the horizontal axis.
        y: Label of the vertical axis.
        log: Whether the horizontal axis is logarithmic.
        chance: Value to mark with a dotted line.
    """
    figure = Figure(figsize=(1.2 + 3.6 * max(1, len(panels)), 3.4), dpi=120, layout="constrained")
    every = figure.subplots(1, max(1, len(panels)), sharey=True, squeeze=False)[0]
    names = list(dict.fromkeys(name for series in panels.values() for name in series))
    for axes, (title, series) in zip(every, panels.items(), strict=False):
        for name, points in series.items():
            colour = COLOURS[names.index(name) % len(COLOURS)]
            if len(points) == 1 and points[0][0] == 0:  # does not depend on x
                axes.axhline(points[0][1], label=name, color=colour, linestyle="--")
                continue
            at, mean, spread = zip(*points, strict=True)
            axes.errorbar(at, mean, spread, label=name, color=colour, marker="o", capsize=2, ms=3)
        if chance is not None:
            axes.axhline(chance, color="grey", linestyle=":", linewidth=1)
        if log:
            axes.set_xscale("log")
        axes.set_title(title, fontsize=9)
        axes.set_xlabel(x)
        axes.grid(alpha=0.3)
    every[0].set_ylabel(y)
    if names:
        every[-1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
