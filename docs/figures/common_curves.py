"""The curves of docs/common_information.md: ``python docs/figures/common_curves.py``.

They are drawn from ``common_curves.csv``, what the study's ``results.csv`` has of its grids with an
axis of numbers; ``python docs/figures/common_curves.py OUT/results.csv`` takes it from there.
"""

import sys
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emorec.figures.plots import save_figure

FOLDER = Path(__file__).parent
TABLE = FOLDER / "common_curves.csv"
CHANCE = 100 / 6
# Grid -> axis, label, and the name of the method where the grid has one alone.
PANELS = {
    "labels": ("labels", "labels a class", ""),
    "width": ("k", "features k of each encoder", "soft_hgr"),
    "width_control": ("k", "", "category"),
    "batch": ("batch", "pairs a batch", ""),
    "lambda": ("lambda", "lambda", ""),
}
STYLE = {
    "category": ("classification alone", "#555555"),
    "info_nce": ("InfoNCE", "C0"),
    "soft_hgr": ("soft-HGR", "C1"),
}


def reduced(results: Path) -> pd.DataFrame:
    """Return grid, method, value of the axis, seed and accuracy in % of a study's results."""
    table = pd.read_csv(results)
    rows = []
    for grid, (axis, _, method) in PANELS.items():
        part = table[(table["grid"] == grid) & (table["scores"] == "fused")]
        rows.append(
            pd.DataFrame(
                {
                    "grid": grid,
                    "method": part["method"].fillna(method),
                    "value": part[axis],
                    "seed": part["seed"],
                    "accuracy": (100 * part["accuracy"]).round(2),
                }
            )
        )
    return pd.concat(rows).sort_values(["grid", "method", "value", "seed"])


def draw(table: pd.DataFrame) -> Figure:
    """Draw accuracy by labels, features, batch and lambda: mean and deviation over seeds."""
    figure = Figure(figsize=(9.5, 6.6), layout="constrained")
    names = ("labels", "width", "batch", "lambda")
    panels = dict(zip(names, figure.subplots(2, 2).flat, strict=True))
    for (grid, method), part in table.groupby(["grid", "method"]):
        _line(panels[str(grid).removesuffix("_control")], part, *STYLE[str(method)])
    for grid, axes in panels.items():
        axes.set(xscale="log", xlabel=PANELS[grid][1], ylabel="accuracy, %", ylim=(10, 92))
        axes.axhline(CHANCE, color="black", lw=0.8, ls=":")
        ticks = sorted(set(table[table["grid"] == grid]["value"]))
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return figure


def _line(axes: Axes, part: pd.DataFrame, label: str, colour: str) -> None:
    by = part.groupby("value")["accuracy"]
    mean, deviation = by.mean(), by.std()
    axes.errorbar(
        mean.index, mean, deviation, marker="o", ms=3, capsize=2, color=colour, label=label
    )


def main(results: Path | None = None) -> None:
    """Write the figure, and the table if results are given."""
    if results is not None:
        reduced(results).to_csv(TABLE, index=False)
    save_figure(draw(pd.read_csv(TABLE)), FOLDER / "common_curves.png")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
