"""A finished study without training: run directories as fit leaves them, with made-up results."""

import hashlib
import os
import random
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from emorec.errors import UserError
from emorec.runs.results import Results
from emorec.study import Study, read_study
from emorec.study.cells import Cell, expand, runs_of
from emorec.study.runner import CELLS

CLASSES = ["anger", "joy"]
ALONE = ("audio", "face")


NOTHING = Results(
    emorec="0 abc",
    finished=True,
    seed=0,
    data="Made up",
    labels="",
    split="random_clip",
    split_seed=0,
    fold=None,
    folds=None,
    within="corpus",
    speakers_shared=None,
    selected_on_test=False,
    clips={},
    labelled_training_clips=100,
    classes={},
    test={},
    missing={},
    stages={},
)


def finish(
    cells: Sequence[Cell],
    out: Path,
    accuracy: Callable[[Cell], float] = lambda cell: 0.7,
    rates: Sequence[float] = (),
    clips: int = 24,
) -> None:
    """Write metrics.json and predictions*.csv of all cells.

    Args:
        cells: Cells of a study.
        out: Its folder.
        accuracy: Chance of a right decision in a cell.
        rates: Rates of missing modalities that a cell with several modalities was tested with.
        clips: Test clips, of four speakers.
    """
    for cell in runs_of(cells):
        folder, chance = out / CELLS / cell.name, _chance(cell.name)
        folder.mkdir(parents=True, exist_ok=True)
        kinds = ["fused"] if cell.grid else list(ALONE)
        test = {kind: _decide(folder, kind, accuracy(cell), clips, chance) for kind in kinds}
        missing = {
            case: {f"{rate:g}": test["fused"] for rate in rates}
            for case in (("audio", "either") if cell.grid and rates else ())
        }
        _write(folder, cell, clips, {"emotion": CLASSES}, test, missing)


def finish_traces(
    cells: Sequence[Cell],
    out: Path,
    ccc: Callable[[Cell], Sequence[float | None]] = lambda cell: (0.5, 0.3),
    recordings: Sequence[str] = ("r1", "r2", "r3"),
    dimensions: Sequence[str] = ("arousal", "valence"),
) -> None:
    """Write metrics.json of all cells, as runs with a continuous target leave it.

    Args:
        cells: Cells of a study.
        out: Its folder.
        ccc: The dimensions' CCCs in a cell; None: undefined.
        recordings: Test recordings, of 100 steps.
        dimensions: Of the target.
    """
    for cell in runs_of(cells):
        folder = out / CELLS / cell.name
        folder.mkdir(parents=True, exist_ok=True)
        found = _agree(dict(zip(dimensions, ccc(cell), strict=True)), recordings)
        test = {"fused": {**found, "before_processing": 0.1, "chain": dict.fromkeys(dimensions)}}
        test = test if cell.grid else dict.fromkeys(ALONE, found)
        _write(folder, cell, len(recordings), {"affect": list(dimensions)}, test, {})


def _chance(name: str) -> random.Random:
    # Of its name, so that it is the same whichever cells there are.
    return random.Random(hashlib.blake2b(name.encode()).hexdigest())


def _write(
    folder: Path,
    cell: Cell,
    clips: int,
    targets: Mapping[str, Any],
    test: Mapping[str, Any],
    missing: Mapping[str, Any],
) -> None:
    results = replace(
        NOTHING,
        clips={"train": 100, "val": 20, "test": clips},
        split=cell.protocol,
        speakers_shared=cell.protocol == "random_clip",
        classes=targets,
        test=test,
        missing=missing,
    )
    results.write(folder / "metrics.json")


def _agree(ccc: Mapping[str, float | None], recordings: Sequence[str]) -> dict[str, Any]:
    known = [value for value in ccc.values() if value is not None]
    each = {
        name: {"steps": 100, "ccc": value, "pearson": value, "rmse": None if value is None else 0.2}
        for name, value in ccc.items()
    }
    return {
        "recordings": len(recordings),
        "ccc": sum(known) / len(known) if known else None,
        "pearson": sum(known) / len(known) if known else None,
        "rmse": 0.2 if known else None,
        "dimensions": {
            name: {
                **found,
                "steps": 100 * len(recordings),
                "ccc_mean_of_recordings": found["ccc"],
            }
            for name, found in each.items()
        },
        "per_recording": dict.fromkeys(recordings, each),
    }


def _decide(
    folder: Path, kind: str, accuracy: float, clips: int, chance: random.Random
) -> dict[str, Any]:
    lines, right, counts = ["clip,group,target,predicted"], 0, [[0, 0], [0, 0]]
    for number in range(clips):
        target = number % 2
        hit = chance.random() < accuracy
        right += hit
        counts[target][target if hit else 1 - target] += 1
        predicted = CLASSES[target if hit else 1 - target]
        lines.append(f"c{number},0{number % 4},{CLASSES[target]},{predicted}")
    suffix = "" if kind == "fused" else f"_{kind}"
    (folder / f"predictions{suffix}.csv").write_text("\n".join(lines) + "\n")
    share = right / clips
    return {
        "clips": clips,
        "accuracy": share,
        "uar": share,
        "macro_f1": share,
        "confusion": counts,
    }


SMALL: dict[str, Any] = {
    "trainer": "t.yaml",
    "model": "m.yaml",
    "data": "d.yaml",
    "stages": {"audio": {"epochs": 1}, "joint": {"epochs": 2}},
    "pretrain": ["audio"],
    "protocols": {"random": {"options": {"data.split": "random_clip"}, "seeds": 2}},
    "grids": {"main": {"axes": {"method": {"a": None, "b": {"stages.joint.epochs": 3}}}}},
}


def write(folder: Path, **changes: Any) -> Path:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({**SMALL, **changes}))
    return path


def fit(arguments: Sequence[str]) -> None:
    """Stand for the command fit: write what a finished run has, or fail as a method says."""
    options = dict(a.removeprefix("--").split("=", 1) for a in arguments[1:])
    run = Path(options["run"])
    with (run / "logs" / "calls").open("a") as file:
        file.write(f"{os.getpid()} {os.environ['WANDB_RUN_GROUP']}\n")
    if options.get("x") == "2":
        raise RuntimeError("out of luck\nand more")
    if options.get("x") == "3":
        raise UserError("no such option")
    if options.get("x") == "4":
        os.kill(os.getpid(), signal.SIGKILL)
    if "training.start" in options:
        assert Path(options["training.start"]).is_file()
    (run / "checkpoints").mkdir(exist_ok=True)
    (run / "checkpoints" / "best.ckpt").touch()
    print("trained")
    NOTHING.write(run / "metrics.json")


AXES = {"method": {"base": {"x": 1}, "full": {"x": 2}}, "size": {"1": {}, "2": {"y": 2}}}


PROTOCOLS = {
    "random_clip": {"options": {"data.split": "random_clip"}, "seeds": 3},
    "nested": {"options": {"data.split": "leave_speakers_out"}, "folds": 4},
}


def made(folder: Path, **changes: Any) -> tuple[Study, list[Cell]]:
    grid = {"axes": AXES, "lines": [{"x": "size", "by": "method"}], "robustness": True}
    study = read_study(write(folder, **{"grids": {"main": grid}, "protocols": PROTOCOLS} | changes))
    return study, expand(study)


def agree(cell: Cell) -> tuple[float, float]:
    """Return what is 0.1 higher with the method "full", and rises by 0.02 a seed or fold."""
    step = 0.02 * (cell.seed if cell.fold is None else cell.fold)
    arousal = 0.5 + 0.1 * (cell.choices.get("method") == "full") + step
    return arousal, arousal - 0.2
