"""Each measure against its definition, and in all outputs of a run."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_cohen_kappa,
    multiclass_f1_score,
)

from emorec.evaluation.measures import MEASURES, Measure
from emorec.export.card_tables import results_table
from emorec.runs.results import Results
from emorec.study import read_study
from emorec.study.cells import expand
from emorec.study.collect import collect
from emorec.study.measures import CLASSES
from emorec.study.report import write_report
from emorec.study.runner import CELLS
from tests.helpers.fake_study import finish, write

CONFUSION = [[5, 1, 0], [2, 3, 1], [0, 4, 9]]
TORCHMETRICS = {  # of predicted and true classes
    "accuracy": partial(multiclass_accuracy, num_classes=3, average="micro"),
    "uar": partial(multiclass_accuracy, num_classes=3, average="macro"),
    "macro_f1": partial(multiclass_f1_score, num_classes=3, average="macro"),
    "weighted_f1": partial(multiclass_f1_score, num_classes=3, average="weighted"),
    "kappa": partial(multiclass_cohen_kappa, num_classes=3),
}
every = pytest.mark.parametrize("measure", MEASURES, ids=lambda each: each.name)


@every
def test_a_measure_is_that_of_torchmetrics(measure: Measure) -> None:
    pairs = [(t, p) for t, row in enumerate(CONFUSION) for p, n in enumerate(row) for _ in range(n)]
    target, predicted = torch.tensor(pairs).T
    found = measure.of(torch.tensor(CONFUSION, dtype=torch.float64)).item()
    assert found == pytest.approx(TORCHMETRICS[measure.name](predicted, target).item(), rel=1e-6)


@every
def test_a_measure_is_in_all_that_a_run_leaves(measure: Measure, smoke_run: Path) -> None:
    results = Results.read(smoke_run / "metrics.json")
    lines = (smoke_run / "summary.txt").read_text().splitlines()
    (line,) = [line for line in lines if "both together" in line]
    assert f"{measure.title} {measure.shown(results.main[measure.name])}" in line
    assert all(measure.name in scores for scores in results.test.values())
    assert f" {measure.heading} " in results_table([results])


@every
def test_a_measure_is_a_column_of_a_study_whose_runs_have_it(
    measure: Measure, tmp_path: Path
) -> None:
    for file in ("t", "m", "d"):
        (tmp_path / f"{file}.yaml").write_text("")
    study = read_study(write(tmp_path))
    cells = expand(study)
    finish(cells, tmp_path)
    folders = sorted((tmp_path / CELLS).iterdir())
    for folder in folders[1:]:  # one is older than the measure
        metrics = json.loads((folder / "metrics.json").read_text())
        for scores in metrics["test"].values():
            scores[measure.name] = 0.125
        (folder / "metrics.json").write_text(json.dumps(metrics))
    assert (collect(cells, tmp_path)[measure.name] == 0.125).any()
    (head,) = [x for x in write_report(study, cells, tmp_path).splitlines() if "95 %" in x]
    assert f" {measure.heading} " in head
    shown = f"{0.125 * measure.factor:.{measure.digits}f}"
    assert CLASSES.shown(0.125, column=measure.name) == shown


def test_undefined_values_are_shown_as_words() -> None:
    assert MEASURES[0].shown(None).strip() == "n/a"
    assert MEASURES[0].shown(0.5) == "  50.0%"
