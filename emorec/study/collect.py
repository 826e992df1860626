"""What the finished runs of a study found, as tables with a row a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from emorec.run import RunDirectory
from emorec.study.cells import Cell
from emorec.study.runner import CELLS, finished

SCORES = ("accuracy", "uar", "macro_f1")


def collect(cells: Sequence[Cell], out: Path) -> pd.DataFrame:
    """Return a row for each finished run and kind of scores.

    Columns: grid, the axes' names, protocol, fold, seed, scores (``fused``, or a modality alone,
    tested after its own stage), case and rate (where a modality is missing at test; empty and 0
    otherwise), accuracy, uar, macro_f1 (0 to 1), numbers of clips, cell, seconds, code version.
    A run that several grids share (the same options) is in each of them. Modalities alone come
    from the pre-training that a run started from.

    Args:
        cells: Cells of the study.
        out: Its folder.

    Returns:
        The table; ``attrs["axes"]`` has the names of the axes.
    """
    rows: list[dict[str, Any]] = []
    by_name = {cell.name: cell for cell in cells}
    for cell in cells:
        metrics = finished(out / CELLS / cell.name) if cell.grid else None
        if metrics is None:
            continue
        rows += _rows(cell, cell.name, metrics, out / CELLS)
        first = by_name.get(cell.start or "")
        pretrained = finished(out / CELLS / first.name) if first else None
        if first is not None and pretrained is not None:
            tested = {k: v for k, v in pretrained["test"].items() if k not in metrics["test"]}
            rows += _rows(
                cell, first.name, {**pretrained, "test": tested, "missing": {}}, out / CELLS
            )
    results = pd.DataFrame(rows)
    results.attrs["axes"] = list(dict.fromkeys(axis for cell in cells for axis in cell.choices))
    return results


def _rows(cell: Cell, source: str, metrics: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Return the rows of one run: each kind of scores, and each case of a missing modality."""
    common = {
        "seconds": RunDirectory(folder / source).training_seconds(),
        "grid": cell.grid,
        **cell.choices,
        "protocol": cell.protocol,
        "fold": cell.fold,
        "seed": cell.seed,
        "cell": source,
        **{f"{part}_clips": count for part, count in metrics["clips"].items()},
        "labelled_training_clips": metrics["labelled_training_clips"],
        "data": metrics["data"],
        "label_note": metrics["labels"],
        "split": metrics["split"],
        "speakers_shared": metrics["speakers_shared"],
        "selected_on_test": metrics["selected_on_test"],
        "code": metrics["emorec"],
    }
    rows = [
        {**common, "scores": name, "case": "", "rate": 0.0, "tested_clips": found["clips"]}
        | {key: found[key] for key in SCORES}
        for name, found in metrics["test"].items()
    ]
    rows += [
        {**common, "scores": "fused", "case": case, "rate": float(rate)}
        | {"tested_clips": found["clips"]}
        | {key: found[key] for key in SCORES}
        for case, rates in metrics["missing"].items()
        for rate, found in rates.items()
    ]
    return rows
