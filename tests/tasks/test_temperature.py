"""The temperature of a run: fitted on validation clips, saved, and used by test and predict."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from emorec.evaluation.calibration import fit_temperature
from emorec.evaluation.clips import Votes
from emorec.predict import Predictor
from emorec.runs.checkpoints import load_checkpoint
from tests.conftest import Place
from tests.helpers.toy import toy_task


def test_it_is_fitted_on_the_last_validation(smoke_run: Path) -> None:
    task = toy_task()
    scores = torch.tensor([[0.9, 0.05, 0.05]] * 10)
    target = torch.tensor([0] * 6 + [1] * 4)
    wanted = fit_temperature(scores, target)
    for before in (1.0, 1.7):  # also where there was one before
        task.temperature.fill_(before)
        votes = Votes(torch.arange(10), scores, target, target)
        task.validation_votes = {"fused": votes}
        task.calibrate()
        assert float(task.temperature) == pytest.approx(wanted, rel=1e-3)
    task.validation_votes = {"fused": votes._replace(target=torch.zeros_like(target))}
    task.calibrate()
    assert float(task.temperature) == 1.0  # all are right: it cannot be told


def test_a_run_keeps_it_in_its_checkpoint_and_tells_what_it_did(
    smoke_run: Path, place: Place
) -> None:
    saved = torch.load(smoke_run / "checkpoints/best.ckpt", weights_only=True)
    fused = json.loads((smoke_run / "metrics.json").read_text())["test"]["fused"]
    assert fused["temperature"] == pytest.approx(float(saved["state_dict"]["temperature"]))
    assert set(fused["calibration"]) == {"ece", "nll", "brier", "aurc"}
    assert fused["calibration_before"]["aurc"] >= 0
    assert (smoke_run / "reliability.png").is_file()
    row = pd.read_csv(smoke_run / "predictions.csv").iloc[0]
    predictor = Predictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", device="cpu")
    (clip,) = place.media.rglob(f"{row['clip']}.*")
    found = predictor.predict(clip).probabilities
    assert list(found.values()) == pytest.approx([row[f"p_{name}"] for name in found], abs=1e-4)


def test_a_checkpoint_from_before_has_the_temperature_one(smoke_run: Path, tmp_path: Path) -> None:
    saved = torch.load(smoke_run / "checkpoints/best.ckpt", weights_only=True)
    del saved["state_dict"]["temperature"]
    torch.save(saved, tmp_path / "old.ckpt")
    task, _ = load_checkpoint(tmp_path / "old.ckpt")
    assert float(task.state_dict()["temperature"]) == 1.0
