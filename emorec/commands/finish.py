"""The end of a run: its numbers in one file, its curves in a picture, and the last lines."""

import sys
from collections.abc import Mapping
from typing import Any

import torch

from emorec import __version__
from emorec.callbacks import StagedTraining
from emorec.curves import training_curves
from emorec.run import RunDirectory, copy_file


def write_results(
    run: RunDirectory,
    results: Mapping[str, Any],
    training: StagedTraining,
    data: Any,
    *,
    finished: bool,
) -> None:
    """Write best.ckpt, training_curves.png and, last, metrics.json; print what was reached.

    Args:
        run: The run directory.
        results: Kind of scores -> clip-level metrics on test clips.
        training: The stages.
        data: The data module, for the sizes of its parts.
        finished: Whether training went to its end.
    """
    spans, first, final = {}, 0, None
    validation = {}
    for name, stage in training.stages.items():
        spans[name] = (first, first + stage.epochs)
        first += stage.epochs
        path = run.checkpoints / f"{name}.ckpt"
        if path.is_file():
            final = path
            epoch = torch.load(path, map_location="cpu", weights_only=True)["epoch"]
            validation[name] = {"monitor": stage.monitor, "best_epoch": epoch}
            if name in training.best:
                validation[name]["score"] = training.best[name]["score"]
    assert final is not None
    copy_file(final, run.best)
    if any((run.path / "logs").glob("version_*/metrics.csv")):
        figure = training_curves(run.path / "logs", spans)
        figure.savefig(run.path / "training_curves.png")
    sizes = {part: len(data.part_of(part)) for part in ("train", "val", "test")}
    run.write_metrics(
        {
            "emorec": __version__,
            "finished": finished,
            "split": data.split,
            "seed": data.seed,
            "clips": sizes,
            "classes": data.targets,
            "test": dict(results),
            "stages": validation,
        }
    )
    say = sys.stdout.write
    say(f"\ntest clips: {sizes['test']} (split {data.split}, seed {data.seed})\n")
    for name, metrics in results.items():
        label = "both together" if name == "fused" and len(results) > 1 else f"{name} alone"
        say(f"  {label:<16} accuracy {_percent(metrics['accuracy'])}")
        say(f"   UAR {_percent(metrics['uar'])}   macro F1 {_percent(metrics['macro_f1'])}\n")
    pictures = sorted(path.name for path in run.path.glob("*.png"))
    say(f"pictures in {run.path}: {', '.join(pictures)}\n")
    say(f"model: {run.best}\n")


def _percent(value: float | None) -> str:
    return "    n/a" if value is None else f"{value:7.1%}"
