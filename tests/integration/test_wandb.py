"""W&B offline: one override, and what it wrote is read back."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import wandb
import yaml
from PIL import Image

from emorec.evaluation.clips import Votes
from emorec.evaluation.decision import ClassDecision
from emorec.evaluation.measures import MEASURES
from emorec.runs.tested_classes import TestedClasses
from emorec.types import Classes, Clip
from tests.conftest import Place, smoke
from tests.helpers.wandb_log import whole_log


def test_a_run_is_written_offline_into_its_directory(
    place: Place, smoke_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB__SERVICE_WAIT", "300")  # seconds; its service starts slowly at times
    run = tmp_path / "smoke"
    options = ["--trainer.logger=WandbLogger", "--trainer.logger.project=emorec-tests"]
    smoke(run, place, *options, "--dashboard.key_frames=true")
    wandb.finish()
    wandb.teardown()  # the end of the log is in the service's memory until then
    (path,) = run.glob("wandb/offline-run-*/*.wandb")
    written = whole_log(path)
    logged = {"/".join(i.nested_key) or i.key for r in written for i in r.history.item}
    assert logged >= {
        "val/fused/accuracy",
        "val/audio/accuracy",
        "val/hgr/audio+face/S",
        "train/loss_epoch",
        "train/scale/face_epoch",
        "train/loss/hgr_epoch",
        "lr-AdamW/encoders.face",
        "speed/segments_per_second",
        "speed/waiting_for_data",
    }
    measures = {each.name for each in MEASURES if each.of(torch.eye(6)).isfinite()}
    for name in ("fused", "audio", "face"):
        assert logged >= {f"test/{name}/{measure}" for measure in measures}
    assert not any("spectrum" in name for name in logged)  # of three clips there is none
    config = {u.key: json.loads(u.value_json) for r in written for u in r.config.update}
    assert config["trainer"]["gradient_clip_val"] == 1.0
    assert config["data"]["init_args"]["labelled_share"] == 1.0
    encoders = config["model"]["init_args"]["encoders"]
    assert encoders["face"]["init_args"]["backbone"] == "shufflenet_v2_x0_5"
    assert [r.run.project for r in written if r.HasField("run")] == ["emorec-tests"]
    assert list(run.glob("logs/version_0/metrics.csv")), "the CSV logs are written all the same"
    assert_test_results(run, path.parent / "files/media")


def assert_test_results(run: Path, files: Path) -> None:
    for name in ("fused", "audio", "face"):
        (picture,) = files.glob(f"images/test/{name}/confusion_matrix*.png")
        assert Image.open(picture).size[0] > 300
        (file,) = files.glob(f"table/test/{name}/misclassified*.json")
        table = json.loads(file.read_text())
        found = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
        suffix = "" if name == "fused" else f"_{name}"
        with (run / f"predictions{suffix}.csv").open(newline="") as predictions:
            rows = [r for r in csv.DictReader(predictions) if r["target"] != r["predicted"]]
        assert [row["clip"] for row in found] == [row["clip"] for row in rows]
        for row, expected in zip(found, rows, strict=True):
            assert row["predicted"] == expected["predicted"]
            assert row["p_anger"] == pytest.approx(float(expected["p_anger"]), abs=1e-6)
        crops = list(files.glob(f"images/test/{name}/key_frames*.png"))
        assert [Image.open(crop).size for crop in crops] == [(94, 94)] * len(found)


def test_pictures_of_people_stay_here_unless_they_are_asked_for(smoke_run: Path) -> None:
    config = yaml.safe_load((smoke_run / "config.yaml").read_text())
    assert config["dashboard"] == {"key_frames": False}


def test_misclassified_clips_are_the_labelled_ones_that_were_decided_wrongly() -> None:
    clips = [Clip(name, Path(f"{name}.mp4")) for name in "abcd"]
    scores = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]])
    votes = Votes(torch.tensor([0, 2, 3]), scores, torch.tensor([0, 1, -1]), torch.ones(3))
    data = SimpleNamespace(all_clips=clips)
    decision = ClassDecision(Classes(["calm", "joy"]))
    found = TestedClasses("fused", votes, votes, decision, data)
    (wrong,) = found.wrong()
    assert (wrong.clip.id, wrong.target, wrong.predicted) == ("c", "joy", "calm")
