"""The temperature of a run: fitted on validation clips, saved, and used by test and predict."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from emorec.evaluation.calibration import fit_temperature
from emorec.evaluation.clips import Votes
from emorec.predict import Predictor
from tests.conftest import Place
from tests.helpers.toy import toy_task


def test_it_is_fitted_on_validation_clips() -> None:
    task = toy_task()
    scores = torch.tensor([[0.9, 0.05, 0.05]] * 10)
    target = torch.tensor([0] * 6 + [1] * 4)
    wanted = fit_temperature(scores, target)
    for before in (1.0, 1.7):  # even with an earlier one
        task.decision.temperature.fill_(before)
        votes = Votes(torch.arange(10), scores, target, target)
        task.decision.fit(votes)
        assert float(task.decision.temperature) == pytest.approx(wanted, rel=1e-3)
    task.decision.fit(votes._replace(target=torch.zeros_like(target)))
    assert float(task.decision.temperature) == 1.0  # all are right: undetermined


def test_a_run_saves_it_in_its_checkpoint_and_reports_it(smoke_run: Path, place: Place) -> None:
    saved = torch.load(smoke_run / "checkpoints/best.ckpt", weights_only=True)
    fused = json.loads((smoke_run / "metrics.json").read_text())["test"]["fused"]
    assert fused["temperature"] == pytest.approx(
        float(saved["state_dict"]["model.decision.temperature"])
    )
    assert set(fused["calibration"]) == {"ece", "nll", "brier", "aurc"}
    assert fused["calibration_before"]["aurc"] >= 0
    assert (smoke_run / "reliability.png").is_file()
    row = pd.read_csv(smoke_run / "predictions.csv").iloc[0]
    predictor = Predictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", device="cpu")
    (clip,) = place.media.rglob(f"{row['clip']}.*")
    found = predictor.vote(clip).probabilities
    assert list(found.values()) == pytest.approx([row[f"p_{name}"] for name in found], abs=1e-4)
