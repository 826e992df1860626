"""The results of the finished runs of a study, as a table."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from emorec.runs.directory import RunDirectory
from emorec.runs.results import Results
from emorec.study.cells import Cell
from emorec.study.config import StudyError
from emorec.study.measures import dimensions_of, scores_of
from emorec.study.runner import CELLS, finished


def collect(cells: Sequence[Cell], out: Path) -> pd.DataFrame:
    """Return one row for each finished run and kind of scores.

    Columns: grid, the axes' names, protocol, fold, seed, scores (``fused``, or a modality alone,
    tested after its own stage), case and rate (of a modality missing at test; otherwise empty and
    0), numbers of clips, cell, seconds, code version. For classes: tested_clips and all measures.
    For values over time: tested_recordings, each of TRACE_MEASURES (mean over dimensions; fused:
    after post-processing), ccc_before_processing (fused only) and, for each dimension,
    tested_steps_NAME and MEASURE_NAME, such as ccc_arousal; undefined values are empty.
    A run that several grids share (equal options) appears in each of them. Scores of modalities
    alone come from the pre-training that a run started from.

    Args:
        cells: Cells of the study.
        out: Folder of the study.

    Returns:
        The table; ``attrs["axes"]`` has the names of the axes.

    Raises:
        StudyError: The runs have different targets.
    """
    rows: list[dict[str, Any]] = []
    by_name = {cell.name: cell for cell in cells}
    for cell in cells:
        results = finished(out / CELLS / cell.name) if cell.grid else None
        if results is None:
            continue
        rows += _rows(cell, cell.name, results, out / CELLS)
        first = by_name.get(cell.start or "")
        pretrained = finished(out / CELLS / first.name) if first else None
        if first is not None and pretrained is not None:
            tested = {k: v for k, v in pretrained.test.items() if k not in results.test}
            alone = replace(pretrained, test=tested, missing={})
            rows += _rows(cell, first.name, alone, out / CELLS)
    _check_alike(rows)
    table = pd.DataFrame(rows)
    table.attrs["axes"] = list(dict.fromkeys(axis for cell in cells for axis in cell.choices))
    return table


def _rows(cell: Cell, source: str, results: Results, folder: Path) -> list[dict[str, Any]]:
    """Return the rows of one run: for each kind of scores and each case of a missing modality."""
    common = {
        "seconds": RunDirectory(folder / source).training_seconds(),
        "grid": cell.grid,
        **cell.choices,
        "protocol": cell.protocol,
        "fold": cell.fold,
        "seed": cell.seed,
        "cell": source,
        **{f"{part}_clips": count for part, count in results.clips.items()},
        "labelled_training_clips": results.labelled_training_clips,
        "data": results.data,
        "label_note": results.labels,
        "split": results.split,
        "normalised_within": results.within,
        "speakers_shared": results.speakers_shared,
        "selected_on_test": results.selected_on_test,
        "code": results.emorec,
    }
    rows = [
        {**common, "scores": name, "case": "", "rate": 0.0, **scores_of(found)}
        for name, found in results.test.items()
    ]
    rows += [
        {**common, "scores": "fused", "case": case, "rate": float(rate), **scores_of(found)}
        for case, rates in results.missing.items()
        for rate, found in rates.items()
    ]
    return rows


def _check_alike(rows: Sequence[dict[str, Any]]) -> None:
    """Refuse runs with different targets: means over different dimensions are not comparable."""
    kinds: dict[frozenset[str], str] = {}
    for row in rows:
        kinds.setdefault(frozenset(dimensions_of(row)), row["cell"])
    if len(kinds) > 1:
        each = [f"{cell} of {', '.join(sorted(k)) or 'classes'}" for k, cell in kinds.items()]
        raise StudyError(
            "the runs of a study must all predict classes, or all the same continuous target; "
            f"found {' and '.join(each)}; make separate studies of them"
        )
