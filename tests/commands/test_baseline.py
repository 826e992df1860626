"""emorec baseline: the folder of a run, alone and in a study."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from emorec.cli import main
from emorec.runs.results import Results
from tests.conftest import ROOT, Place

DATA = str(ROOT / "configs/data/synthetic_utterances_tiny.yaml")


@pytest.fixture
def options(place: Place, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    found = place.options()
    return ["--data", DATA, *found, "--data.labelled_share", "1.0"]


def test_each_method_has_the_folder_of_a_run_and_is_done_once(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["baseline", *options, "--run", str(tmp_path)]
    main(command)
    shown = capsys.readouterr().out
    for method in ("linear", "svm", "trees"):
        run = tmp_path / method
        results = Results.read(run / "metrics.json")
        assert results.finished
        assert set(results.test) == {"fused", "audio", "face"}
        assert results.stages["fused"]["monitor"] == "val/uar"
        assert len(pd.read_csv(run / "predictions.csv")) == results.clips["test"]
        assert (run / "confusion_matrix.png").is_file()
        assert (run / "summary.txt").read_text() in shown
        assert "model:" not in (run / "summary.txt").read_text()
    before = (tmp_path / "svm/metrics.json").stat().st_mtime_ns
    main(command)
    assert "svm is finished" in capsys.readouterr().out
    assert (tmp_path / "svm/metrics.json").stat().st_mtime_ns == before
    with pytest.raises(SystemExit):
        main([*command, "--data.seed", "1"])
    assert "is a run with another config" in capsys.readouterr().err
    main([*command, "--data.seed", "1", "--method", "all", "--overwrite"])
    assert Results.read(tmp_path / "svm/metrics.json").split_seed == 1


def test_it_leaves_other_folders_alone(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    command = ["baseline", *options, "--method", "linear", "--run", str(tmp_path), "--overwrite"]
    with pytest.raises(SystemExit):
        main(command)
    assert "is not a baseline's folder" in capsys.readouterr().err
    (tmp_path / "config.yaml").write_text("model: {class_path: ClassificationTask}\n")
    with pytest.raises(SystemExit):
        main(command)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.yaml", "notes.txt"]


def test_a_setting_can_be_fixed_for_one_method(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["baseline", *options, "--settings.C", "0.5"]
    with pytest.raises(SystemExit):
        main([*command, "--run", str(tmp_path)])
    assert "name it with --method" in capsys.readouterr().err
    main([*command, "--method", "svm", "--run", str(tmp_path / "svm")])
    chosen = Results.read(tmp_path / "svm/metrics.json").stages
    assert {each["settings"]["C"] for each in chosen.values()} == {0.5}


def test_a_study_shows_it_beside_its_methods(
    options: list[str], place: Place, tmp_path: Path
) -> None:
    configs = ROOT / "configs"
    methods = {
        "network": {},
        "linear": {"baseline": "linear"},
        "fixed": {"baseline": "linear", "settings.C": 0.5, "refit": True},
    }
    study = {
        "trainer": str(configs / "trainer/cpu.yaml"),
        "model": str(configs / "model/distribution_matching_small.yaml"),
        "data": DATA,
        "stages": {"all": {"epochs": 1}},
        "protocols": {"random_clip": {"options": {"data.split": "random_clip"}}},
        "options": {
            "data.root": str(place.media),
            "data.cache": str(place.cache),
            "trainer.enable_progress_bar": False,
        },
        "grids": {"floor": {"axes": {"method": methods}}},
    }
    file = tmp_path / "floor.yaml"
    file.write_text(yaml.safe_dump(study))
    main(["experiment", "--config", str(file), "--out", str(tmp_path / "out")])
    table = (tmp_path / "out/table.md").read_text()
    assert "| fused    | linear" in table
    assert "| fused    | network" in table
    results = pd.read_csv(tmp_path / "out/results.csv")
    assert set(results["method"]) == set(methods)
    cells = list((tmp_path / "out/cells").iterdir())
    models = [yaml.safe_load((cell / "config.yaml").read_text())["model"] for cell in cells]
    assert {"baseline": "linear"} in models
    assert {"baseline": "linear", "settings": {"C": 0.5}, "refit": True} in models
    assert json.loads((cells[0] / "metrics.json").read_text())["finished"]
