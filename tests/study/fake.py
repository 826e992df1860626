"""A finished study without training: run directories as fit leaves them, with made-up decisions."""

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from emorec.study.cells import Cell, runs_of
from emorec.study.runner import CELLS

CLASSES = ["anger", "joy"]
ALONE = ("audio", "face")


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
        folder = out / CELLS / cell.name
        folder.mkdir(parents=True, exist_ok=True)
        # Of its name, so that it is the same whichever cells there are.
        chance = random.Random(hashlib.blake2b(cell.name.encode()).hexdigest())
        kinds = ["fused"] if cell.grid else list(ALONE)
        test = {kind: _decide(folder, kind, accuracy(cell), clips, chance) for kind in kinds}
        missing = {
            case: {f"{rate:g}": test["fused"] for rate in rates}
            for case in (("audio", "either") if cell.grid and rates else ())
        }
        (folder / "metrics.json").write_text(
            json.dumps(
                {
                    "emorec": "0 abc",
                    "finished": True,
                    "clips": {"train": 100, "val": 20, "test": clips},
                    "labelled_training_clips": 100,
                    "data": "Made up",
                    "labels": "",
                    "split": cell.protocol,
                    "speakers_shared": cell.protocol == "random_clip",
                    "selected_on_test": False,
                    "classes": {"emotion": CLASSES},
                    "test": test,
                    "missing": missing,
                }
            )
        )


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
