"""A real training through the command: segments a second, waiting for data, accuracy.

    python -m tests.gpu.training --out FILE [--tiny]

Generates and preprocesses the clips, trains ``training.yaml``, and then trains a little of it
compiled with CUDA graphs. ``--tiny`` trains the smoke experiment on the CPU.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import yaml

from emorec.runs.directory import RunDirectory
from tests.conftest import ROOT
from tests.gpu.card import device_here
from tests.gpu.figures import Figures

EMOREC = [sys.executable, "-m", "emorec"]
EXPERIMENT = ROOT / "tests/gpu/training.yaml"
SMOKE = ROOT / "configs/experiment/smoke.yaml"
COMPILED = [
    "--trainer.callbacks+=Compile",
    "--trainer.callbacks.mode=reduce-overhead",
    "--training.stages.audio.epochs=2",
    "--training.stages.face.epochs=2",
    "--training.stages.joint.epochs=2",
]


def main(figures: Figures, place: Path, *, tiny: bool) -> None:
    """Measure preprocessing of the set, then one training, then one that is compiled."""
    config = SMOKE if tiny else EXPERIMENT
    media, cache = place / "media", place / "cache"
    if tiny and (ready := os.environ.get("EMOREC_TEST_CLIPS")):  # of the pack
        shutil.copytree(Path(ready) / "media", media)
        shutil.copytree(Path(ready) / "cache", cache)
    data = [f"--data.root={media}", f"--data.cache={cache}"]
    workers = 1 if tiny else min(8, os.cpu_count() or 2)
    (place / "data.yaml").write_text(_data_of(config), encoding="utf-8")
    options = [f"--data={place / 'data.yaml'}", *data, f"--workers={workers}", "--device=cpu"]
    took = command(["preprocess", *options])
    figures.add("generate and preprocess the set", took, "s", f"{workers} processes, faces on CPU")
    trainer = ["--trainer", str(ROOT / "configs/trainer/gpu.yaml")]
    trainer += [f"--trainer.accelerator={'gpu' if device_here() == 'cuda' else 'cpu'}"]
    fit = ["fit", f"--config={config}", *trainer, *data, "--trainer.enable_progress_bar=false"]
    one = place / "run"
    report(figures, "training", one, command([*fit, f"--run={one}"]))
    if device_here() == "cuda":
        two = place / "compiled"
        took = command([*fit, f"--run={two}", *COMPILED])
        report(figures, "training, compiled with CUDA graphs", two, took)


def command(arguments: list[str]) -> float:
    """Run emorec and return the seconds it took.

    Raises:
        RuntimeError: It failed; the message is the end of what it said.
    """
    start = time.perf_counter()
    done = subprocess.run(
        [*EMOREC, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"emorec {arguments[0]} failed: {done.stderr[-1500:]}")
    return time.perf_counter() - start


def report(figures: Figures, name: str, run: Path, took: float) -> None:
    """Report what a finished run left."""
    directory = RunDirectory(run)
    trained, results = directory.training_seconds(), directory.results()
    assert results is not None
    note = f"of them {trained:.0f} s of training and validation"
    figures.add(f"{name}: the command", took, "s", note)
    (table,) = run.glob("logs/*/metrics.csv")
    log = pd.read_csv(table)
    scores = {"audio": "val/loss/audio", "face": "val/loss/face", "joint": "val/loss/category"}
    for stage, column in scores.items():
        epochs = set(log.loc[log[column].notna(), "epoch"])
        rows = log[log["epoch"].isin(epochs) & log["speed/segments_per_second"].notna()]
        # The first epoch of a stage starts workers, and compiles.
        rows = rows.iloc[1:] if len(rows) > 1 else rows
        waiting = 100 * rows["speed/waiting_for_data"].median()
        note = f"waiting for data {waiting:.1f} % of the time between steps"
        if "speed/gpu_memory_gib" in rows:
            note += f", {rows['speed/gpu_memory_gib'].max():.1f} GiB"
        speed = rows["speed/segments_per_second"].median()
        figures.add(f"{name}: stage {stage}", speed, "segments/s", note)
    for modality, values in results.test.items():
        note = f"{values['clips']} test clips, one split, one seed"
        figures.add(f"{name}: {modality}", 100 * values["accuracy"], "% accuracy", note)


def _data_of(config: Path) -> str:
    """Return the data part of an experiment, as a file for ``emorec preprocess``."""
    data = yaml.safe_load(config.read_text(encoding="utf-8"))["data"]
    if isinstance(data, str):
        return (config.parent / data).read_text(encoding="utf-8")
    return yaml.safe_dump(data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m tests.gpu.training", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tiny", action="store_true", help="the smallest sizes, for a CPU")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        main(Figures(options.out), Path(folder), tiny=options.tiny)
