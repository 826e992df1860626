"""Training curves from the tables of the CSV logger."""

import csv
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from emorec.figures.plots import curves_figure

Curve = dict[float, float]


def read_logs(folder: Path) -> dict[str, Curve]:
    """Return metric -> epoch -> value, the mean over the steps of an epoch.

    A resumed run has several tables; if two of them have an epoch, the later one is used.

    Args:
        folder: Contains ``version_0/metrics.csv`` and so on.
    """
    metrics: dict[str, Curve] = defaultdict(dict)
    tables = sorted(folder.glob("version_*/metrics.csv"), key=lambda p: int(p.parent.name[8:]))
    for table in tables:
        sums: dict[str, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
        with table.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                for name, text in row.items():
                    if text and name not in ("epoch", "step") and row.get("epoch"):
                        sums[name][float(row["epoch"])].append(float(text))
        for name, epochs in sums.items():
            metrics[name].update({e: sum(v) / len(v) for e, v in epochs.items()})
    return dict(metrics)


def training_curves(folder: Path, stages: Mapping[str, tuple[int, int]]) -> Figure:
    """Draw loss, clip accuracy or CCC, soft-HGR and feature scale over the epochs.

    Args:
        folder: Folder of the CSV logger.
        stages: Name of a stage -> its first epoch and the one after its last.
    """
    # Validation after training (to fit the decision) belongs to no stage.
    end = max((last for _, last in stages.values()), default=0)
    metrics = {
        name: {epoch: value for epoch, value in curve.items() if epoch < end}
        for name, curve in read_logs(folder).items()
    }

    def pick(prefix: str, suffix: str = "") -> dict[str, tuple[list[float], list[float]]]:
        return {
            name.removeprefix(prefix).removesuffix(suffix): _sorted(curve)
            for name, curve in sorted(metrics.items())
            if name.startswith(prefix) and name.endswith(suffix) and curve
            if not (suffix and name.startswith("val/loss/"))  # an objective may be called ccc
        }

    panels = {
        "clip accuracy (validation)": pick("val/", "/accuracy"),
        "CCC, mean of dimensions (validation)": pick("val/", "/ccc"),
        "loss (training, each objective)": pick("train/loss/", "_epoch"),
        "loss (validation, each objective)": pick("val/loss/"),
        "soft-HGR S (training)": pick("train/", "/S_epoch"),
        "soft-HGR S (validation)": pick("val/", "/S"),
        "feature scale (training, root mean square)": pick("train/scale/", "_epoch"),
    }
    return curves_figure({title: curves for title, curves in panels.items() if curves}, stages)


def _sorted(curve: Curve) -> tuple[list[float], list[float]]:
    epochs = sorted(curve)
    return epochs, [curve[e] for e in epochs]
