"""Tables and pictures of the runs of ``hgr_in_training``."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

Row = dict[str, Any]
PAIR = "audio+face"
STEPS = 50


def write_report(
    out: Path, variants: Mapping[str, float], seeds: Iterable[int], shares: Sequence[float]
) -> None:
    """Write results.csv, table.md, steps.png and accuracy.png into the folder of the runs."""
    rows = [
        read_run(path, name, share, seed)
        for share in shares
        for name in variants
        for seed in seeds
        if (path := out / f"labels{share:g}" / f"seed{seed}" / folder(name)).is_dir()
        and (path / "metrics.json").is_file()
    ]
    with (out / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (out / "table.md").write_text(table(rows, list(variants), shares), encoding="utf-8")
    paths = {n: out / f"labels{shares[0]:g}" / "seed0" / folder(n) for n in variants}
    draw_steps({n: p for n, p in paths.items() if p.is_dir()}).savefig(out / "steps.png", dpi=110)


def folder(name: str) -> str:
    """Return the folder of a variant's runs."""
    return name.replace(" ", "_").replace(",", "")


def read_run(path: Path, name: str, share: float, seed: int) -> Row:
    """Return what one run came to."""
    metrics = json.loads((path / "metrics.json").read_text(encoding="utf-8"))
    steps = read_steps(path)
    epochs = read_column(path, "val/fused/accuracy")
    validated = read_column(path, f"val/hgr/{PAIR}/S")
    row: Row = {"variant": name, "labels": share, "seed": seed}
    row |= {"val best": max(epochs), "val last": epochs[-1]}
    row["test"] = metrics["test"]["fused"]["accuracy"]
    row["val S last"] = validated[-1] if validated else ""
    for modality in ("audio", "face"):
        scale = steps[f"train/scale/{modality}"]
        row |= {f"scale {modality} {at}": scale[at] for at in (0, 5, STEPS - 1)}
    pair = steps.get(f"train/hgr/{PAIR}/S", [])
    row["S first"], row["S step 50"] = (pair[0], pair[STEPS - 1]) if pair else ("", "")
    return row


def read_column(path: Path, column: str) -> list[float]:
    """Return the values of a logged metric, in order."""
    with (path / "logs" / "version_0" / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return [float(row[column]) for row in csv.DictReader(file) if row.get(column)]


def read_steps(path: Path) -> dict[str, list[float]]:
    """Return the metrics of each training step."""
    with (path / "logs" / "version_0" / "metrics.csv").open(newline="", encoding="utf-8") as file:
        names = csv.DictReader(file).fieldnames or []
    ends = "_step"
    return {n.removesuffix(ends): read_column(path, n) for n in names if n.endswith(ends)}


def table(rows: Sequence[Row], variants: Sequence[str], shares: Sequence[float]) -> str:
    """Return accuracies (mean and standard deviation over seeds, %) and scales as Markdown."""
    head = "| joint stage |"
    for share in shares:
        head += f" val, {share:.0%} labels | test, {share:.0%} |"
    head += f" scale of features at step 1, 6, {STEPS} (audio) | (face) |"
    lines = [head, "|---" * (3 + 2 * len(shares)) + "|"]
    for name in variants:
        cells = [name]
        for share in shares:
            found = [r for r in rows if r["variant"] == name and r["labels"] == share]
            cells += [spread([100 * r[key] for r in found]) for key in ("val best", "test")]
        mine = [r for r in rows if r["variant"] == name and r["labels"] == shares[0]]
        for modality in ("audio", "face"):
            means = [
                mean(r[f"scale {modality} {at}"] for r in mine) if mine else float("nan")
                for at in (0, 5, STEPS - 1)
            ]
            cells.append(", ".join(f"{m:.3g}" for m in means))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def spread(values: Sequence[float]) -> str:
    """Return mean and standard deviation."""
    if len(values) < 2:
        return ", ".join(f"{v:.1f}" for v in values)
    return f"{mean(values):.1f} ± {stdev(values):.1f}"


def draw_steps(paths: Mapping[str, Path]) -> Figure:
    """Draw S, its two terms and the features' scale over the first steps."""
    groups = {
        "paper form": [n for n in paths if n.startswith("paper")],
        "stable preset": [n for n in paths if n.startswith("stable")],
        "lambda 1, one remedy each": [
            n for n in paths if not n.startswith(("paper", "stable", "none"))
        ],
    }
    quantities = {
        "S (audio+face)": f"train/hgr/{PAIR}/S",
        "inner product": f"train/hgr/{PAIR}/inner",
        "trace term": f"train/hgr/{PAIR}/trace",
        "scale of audio features": "train/scale/audio",
        "scale of face features": "train/scale/face",
    }
    figure = Figure(figsize=(13, 14), layout="constrained")
    axes = figure.subplots(len(quantities), len(groups), sharex=True, sharey="row", squeeze=False)
    for column, (title, names) in enumerate(groups.items()):
        for line, (label, key) in enumerate(quantities.items()):
            ax: Axes = axes[line][column]
            for name in names:
                values = read_steps(paths[name])[key][:STEPS]
                ax.plot(range(1, len(values) + 1), values, label=name)
            ax.set_yscale("symlog", linthresh=0.1) if line < 3 else ax.set_yscale("log")
            ax.set_ylabel(label if column == 0 else "")
            ax.grid(alpha=0.3)
        axes[0][column].set_title(title)
        axes[0][column].legend(fontsize=8)
        axes[-1][column].set_xlabel("step of the joint stage")
    return figure
