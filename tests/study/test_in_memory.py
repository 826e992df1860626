"""Cells in memory: the same training as fit, in less time, and what only fit does."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from emorec.cli import main
from emorec.runs.results import Results
from tests.conftest import ROOT, Place

CONFIGS = ROOT / "configs"
STAGES = {
    "first": {"epochs": 2, "steps": 5, "keep": "last", "monitor": "val/fused/uar"},
    "then": {
        "epochs": 2,
        "keep": "last",
        "monitor": "val/fused/uar",
        "warmup": {"mmd": 4},
        "scheduler": {"class_path": "OneCycle"},
    },
}
TEACHER = {
    "model.objectives.teacher": "Consistency",
    "model.objectives.teacher.kind": "mse",
    "trainer.callbacks": [{"class_path": "Teacher", "init_args": {"decay": 0.5}}],
}
METHODS = {
    "plain": {},
    "half": {"data.sampling": "half_labelled"},
    "teacher": TEACHER,
}


def study(folder: Path, place: Place, ran: str, **changes: object) -> Path:
    """Run a study of tiny generated utterances, and return its folder."""
    tree = {
        "engine": ran,
        "trainer": str(CONFIGS / "trainer/cpu.yaml"),
        "model": str(CONFIGS / "model/distribution_matching_small.yaml"),
        "data": str(CONFIGS / "data/synthetic_utterances_tiny.yaml"),
        "stages": STAGES,
        "protocols": {"random_clip": {"options": {"data.split": "random_clip"}}},
        "options": {
            "data.root": str(place.media),
            "data.cache": str(place.cache),
            "trainer.enable_progress_bar": False,
            "missing.rates": [0.5],
        },
        "grids": {"ways": {"axes": {"method": METHODS}}},
        **changes,
    }
    file = folder / f"{ran}.yaml"
    file.write_text(yaml.safe_dump(tree))
    out = folder / ran
    main(["experiment", "--config", str(file), "--out", str(out)])
    return out


def cell(out: Path, method: str) -> Path:
    (found,) = (out / "cells").glob(f"*-{method}-*")
    return found


def test_it_trains_what_fit_trains(place: Place, tmp_path: Path) -> None:
    ours, theirs = (study(tmp_path, place, engine) for engine in ("memory", "fit"))
    for method in METHODS:
        a, b = cell(ours, method), cell(theirs, method)
        found, expected = (pd.read_csv(each / "predictions.csv") for each in (a, b))
        columns = [str(name) for name in expected if str(name).startswith("p_")]
        assert (found["clip"] == expected["clip"]).all()
        assert found[columns].to_numpy() == pytest.approx(expected[columns].to_numpy(), abs=1e-4)
        results, like = (Results.read(each / "metrics.json") for each in (a, b))
        assert results.missing.keys() == {"audio", "either", "face"}
        assert results.missing == like.missing
        assert results.clips == like.clips
        assert not (a / "checkpoints").exists()
        assert (b / "checkpoints" / "best.ckpt").is_file()
    before = (cell(ours, "plain") / "metrics.json").stat().st_mtime_ns
    study(tmp_path, place, "memory")
    assert (cell(ours, "plain") / "metrics.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stages": {"joint": {"epochs": 1, "monitor": "val/fused/uar"}}}, "needs keep: last"),
        ({"grids": {"g": {"axes": {"m": {"late": {"model.fusion": "LateFusion"}}}}}}, "LateFusion"),
        (
            {
                "grids": {
                    "g": {
                        "axes": {
                            "m": {"few": {"trainer.callbacks": [{"class_path": "SelectValues"}]}}
                        }
                    }
                }
            },
            "SelectValues is a callback of engine: fit",
        ),
    ],
)
def test_what_only_fit_does_is_refused(
    change: dict[str, object], words: str, place: Place, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit):
        study(tmp_path, place, "memory", **change)
    logs = list((tmp_path / "memory/cells").glob("*/logs/log.txt"))
    assert logs
    assert all(words in log.read_text() for log in logs)
    assert not list((tmp_path / "memory/cells").glob("*/metrics.json"))


@pytest.mark.parametrize("change", [{"engine": "gpu"}, {"pretrain": ["first"]}])
def test_an_engine_must_be_able_to_run_the_study(
    change: dict[str, object],
    place: Place,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        study(tmp_path, place, "memory", **change)
    assert "expected fit or memory, and fit with pretrain" in capsys.readouterr().err


def test_baselines_stand_beside_it(place: Place, tmp_path: Path) -> None:
    grids = {"floor": {"axes": {"method": {"network": {}, "linear": {"baseline": "linear"}}}}}
    options = {
        "data.root": str(place.media),
        "data.cache": str(place.cache),
        "data.labelled_share": 1.0,
    }
    stages = {"first": STAGES["first"]}
    out = study(tmp_path, place, "memory", grids=grids, options=options, stages=stages)
    assert "linear" in (out / "table.md").read_text()
    assert json.loads((cell(out, "linear") / "metrics.json").read_text())["finished"]
