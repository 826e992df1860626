"""Collecting runs with a continuous target, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import Trainer

from emorec.runs.report import Report
from emorec.study import StudyError
from emorec.study.collect import collect
from emorec.study.measures import scores_of
from emorec.study.runner import CELLS
from tests.helpers.fake_study import agree, finish, finish_traces, made
from tests.helpers.toy_traces import ToyRecordings, toy_regression


def test_each_run_has_its_agreement_in_columns(tmp_path: Path) -> None:
    _, cells = made(tmp_path)
    finish_traces(cells, tmp_path, agree)
    results = collect(cells, tmp_path)
    fused = results[results["scores"] == "fused"]
    assert (fused["ccc_arousal"] - fused["ccc_valence"]).to_numpy() == pytest.approx(0.2)
    assert (fused["ccc_arousal"] - fused["ccc"]).to_numpy() == pytest.approx(0.1)
    assert set(fused["rmse_valence"]) == {0.2}
    assert set(fused["tested_steps_arousal"]) == {300}
    assert set(fused["tested_recordings"]) == {3}
    # Only fused values go through the post-processing.
    assert set(fused["ccc_before_processing"]) == {0.1}
    assert results[results["scores"] != "fused"]["ccc_before_processing"].isna().all()
    assert not {"accuracy", "uar", "macro_f1", "tested_clips"} & set(results.columns)


@pytest.mark.parametrize("dimensions", [None, ("arousal",)])
def test_runs_of_two_kinds_are_no_study(dimensions: tuple[str, ...] | None, tmp_path: Path) -> None:
    _, cells = made(tmp_path)
    finish_traces(cells, tmp_path, agree)
    last = cells[-1:]
    if dimensions is None:
        finish(last, tmp_path)
    else:
        finish_traces(last, tmp_path, lambda cell: (0.5,), dimensions=dimensions)
    kind = "classes" if dimensions is None else "arousal"
    with pytest.raises(
        StudyError, match=rf"of arousal, valence and {last[0].name} of {kind}; make"
    ):
        collect(cells, tmp_path)


@pytest.mark.parametrize("axis", ["ccc", "ccc_arousal", "rmse_valence", "tested_recordings"])
def test_an_axis_is_no_column_of_a_dimension(axis: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="nor beginning with ccc, pearson, rmse, tested_"):
        made(tmp_path, grids={"main": {"axes": {axis: {"a": {}}}}})


def test_the_fake_has_what_a_tested_model_leaves(tmp_path: Path) -> None:
    data, report = ToyRecordings(tmp_path / "media"), Report(tmp_path)
    quiet: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "accelerator": "cpu"}
    trainer = Trainer(default_root_dir=tmp_path, callbacks=[report], devices=1, **quiet)
    trainer.test(toy_regression(), datamodule=data, verbose=False)
    _, cells = made(tmp_path)
    finish_traces(cells[-1:], tmp_path)
    metrics = json.loads((tmp_path / CELLS / cells[-1].name / "metrics.json").read_text())
    real, fake = report.results["fused"], metrics["test"]["fused"]
    assert real.keys() == fake.keys()
    assert real["dimensions"].keys() == fake["dimensions"].keys()
    assert real["dimensions"]["valence"].keys() == fake["dimensions"]["valence"].keys()
    assert scores_of(real).keys() == scores_of(fake).keys()
    assert scores_of(real)["ccc_valence"] == real["dimensions"]["valence"]["ccc"]
