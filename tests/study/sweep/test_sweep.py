"""emorec sweep: trials, pruning, resuming, and never using test clips."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pandas as pd
import pytest
import yaml

from emorec.callbacks import Stage, StagedTraining
from emorec.cli import main
from emorec.errors import UserError
from emorec.study.config import StudyError
from emorec.study.sweep.config import Sweep, read_sweep
from emorec.study.sweep.report import write_sweep
from emorec.study.sweep.run import open_search, run_sweep
from emorec.study.sweep.trial import Watch
from tests.conftest import ROOT, Place

SPACE: dict[str, Any] = {
    "model.rate": {"low": 0.01, "high": 10.0, "log": True},
    "model.layers": {"low": 1, "high": 4},
    "model.kind": {"choices": ["a", "b"]},
}


def fake_fit(argv: Sequence[str], callbacks: Sequence[Any] = ()) -> None:
    """Stand in for ``fit``: two epochs, whose value follows from the options."""
    given = dict(text.removeprefix("--").split("=", 1) for text in argv[1:])
    assert given["test"] == "false"
    (watch,) = callbacks
    stages = StagedTraining({"first": Stage(1), "joint": Stage(2)})
    value = 1 / (1 + abs(float(given["model.rate"]) - 1)) + int(given["model.layers"]) / 10
    if given["model.kind"] == "b":
        raise RuntimeError("out of memory")
    for epoch, share in enumerate((9.0, 0.5, 1.0)):  # the first stage does not count
        trainer: Any = SimpleNamespace(
            state=SimpleNamespace(fn="fit"),
            sanity_checking=False,
            callbacks=[stages, watch],
            current_epoch=epoch,
            callback_metrics={"val/fused/accuracy": share * value},
        )
        watch.on_validation_end(trainer, None)
    watch.on_fit_end(trainer, None)


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    (tmp_path / "experiment.yaml").write_text("trainer: x\n")
    tree = {"config": "experiment.yaml", "space": SPACE, "trials": 12}
    (tmp_path / "rates.yaml").write_text(yaml.safe_dump(tree))
    return read_sweep(tmp_path / "rates.yaml")


def states(search: Any) -> list[str]:
    return [trial.state.name for trial in search.trials]


def test_trials_are_run_once_and_the_best_is_reported(sweep: Sweep, tmp_path: Path) -> None:
    lines: list[str] = []
    out = tmp_path / "out"
    run_sweep(sweep, out, fit=fake_fit, say=lines.append)
    search = open_search(sweep, out)
    assert len(search.trials) == 12
    assert set(states(search)) <= {"COMPLETE", "PRUNED", "FAIL"}
    text = write_sweep(sweep, search, out)
    table = pd.read_csv(out / "trials.csv")
    complete = table[table["state"] == "complete"]
    wanted = 1 / (1 + (complete["model.rate"] - 1).abs()) + complete["model.layers"] / 10
    assert complete["value"].tolist() == pytest.approx(wanted.tolist())
    failed = table[table["model.kind"] == "b"]
    assert (failed["state"] == "fail").all()
    assert failed["reason"].str.contains("RuntimeError: out of memory").all()
    best = yaml.safe_load((out / "best.yaml").read_text())
    assert best == search.best_trial.params
    assert f"--model.layers={best['model.layers']}" in text
    assert (out / "sweep.png").is_file()
    run_sweep(sweep, out, fit=fake_fit, say=lines.append)
    assert lines[-1].startswith("12 trials, 12 done before")
    assert len(open_search(sweep, out).trials) == 12


def test_what_a_kill_left_is_tried_again_first(sweep: Sweep, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    search = open_search(sweep, out)
    cut = search.ask()
    cut.suggest_float("model.rate", 0.01, 10.0, log=True)
    cut.suggest_int("model.layers", 1, 4)
    cut.suggest_categorical("model.kind", ["a", "b"])
    lines: list[str] = []
    run_sweep(sweep, out, fit=fake_fit, say=lines.append)
    trials = open_search(sweep, out).trials
    assert lines[0] == "trial 0 was interrupted and is repeated"
    assert trials[0].state.name == "FAIL"
    assert trials[1].params == trials[0].params


def test_hopeless_trials_are_stopped(sweep: Sweep) -> None:
    search = optuna.create_study(direction="maximize", pruner=optuna.pruners.ThresholdPruner(0.5))
    trial = search.ask()
    watch = Watch(trial, None)
    stages = StagedTraining({"joint": Stage(3)})
    trainer: Any = SimpleNamespace(
        state=SimpleNamespace(fn="fit"),
        sanity_checking=False,
        callbacks=[stages],
        current_epoch=0,
        callback_metrics={"val/fused/accuracy": 0.2},
    )
    with pytest.raises(StudyError, match="other trials were better"):
        watch.on_validation_end(trainer, trainer)
    assert watch.pruned
    with pytest.raises(StudyError, match="metric val/f1 is not measured"):
        Watch(trial, "val/f1").on_validation_end(trainer, trainer)
    trainer.datamodule = SimpleNamespace(select_on_test=True)
    with pytest.raises(StudyError, match="must not look at test clips"):
        Watch(trial, None).on_fit_start(trainer, trainer)


def test_a_stage_that_keeps_its_last_epoch_is_judged_by_it() -> None:
    trial = optuna.create_study(direction="maximize").ask()
    stages = StagedTraining({"joint": Stage(3, keep="last")})
    trainer: Any = SimpleNamespace(
        state=SimpleNamespace(fn="fit"), sanity_checking=False, callbacks=[stages], current_epoch=0
    )
    watch = Watch(trial, None)
    for epoch, value in enumerate((0.7, 0.4)):
        trainer.current_epoch = epoch
        trainer.callback_metrics = {"val/fused/accuracy": value}
        stages.best["joint"] = {"score": value, "epoch": epoch}
        watch.on_validation_end(trainer, trainer)
    assert watch.best == 0.4


def test_files_of_sweeps_are_checked(sweep: Sweep, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    for tree, message in (
        ({"space": SPACE}, "is not a sweep"),
        ({"config": "experiment.yaml", "space": {"a": {"low": 1}}}, "a needs choices, or low"),
        ({"config": "nothing.yaml", "space": SPACE}, "not found"),
    ):
        bad.write_text(yaml.safe_dump(tree))
        with pytest.raises(StudyError, match=message):
            read_sweep(bad)
    out = tmp_path / "out"
    out.mkdir()
    open_search(sweep, out)
    other = Sweep(sweep.name, sweep.config, {"model.rate": {"choices": [1]}})
    with pytest.raises(StudyError, match="a sweep with another config, space"):
        open_search(other, out)


def test_without_optuna_the_error_says_what_to_install(
    sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"emorec\[sweep\]"):
        open_search(sweep, tmp_path)


@pytest.mark.slow
def test_the_real_thing_never_looks_at_test_clips(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"data.root": str(place.media), "data.cache": str(place.cache)}
    tree = {
        "config": str(ROOT / "configs/experiment/smoke.yaml"),
        "trials": 2,
        "options": {**options, "trainer.enable_progress_bar": False},
        "space": {"model.objectives.hgr.weight": {"low": 0.01, "high": 1.0, "log": True}},
    }
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(tree))
    out = tmp_path / "out"
    main(["sweep", "--config", str(tmp_path / "small.yaml"), "--out", str(out)])
    shown = capsys.readouterr().out
    assert "2 trials: 2 complete" in shown
    table = pd.read_csv(out / "trials.csv")
    for run in map(Path, table["run"]):
        assert not (run / "metrics.json").exists()
        assert not (run / "predictions.csv").exists()
    # Without --test false, the same command only adds the test.
    row = table.iloc[0]
    weight = f"--model.objectives.hgr.weight={row['model.objectives.hgr.weight']}"
    main(["fit", f"--config={tree['config']}", *place.options(), weight, f"--run={row['run']}"])
    metrics = json.loads((Path(row["run"]) / "metrics.json").read_text())
    assert metrics["finished"]
    assert metrics["stages"]["joint"]["score"] == pytest.approx(row["value"])
