"""Several encoders that read one modality."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from emorec.callbacks import MissingModality, Stage
from emorec.errors import ModelError
from emorec.objectives import AuxiliaryCrossEntropy, CrossEntropy, SoftHGR
from emorec.tasks import ClassificationTask
from tests.helpers.staging import train
from tests.helpers.toy import DIM, ToyData, ToyEncoder, put_in_force, toy_batch, toy_task


def two_faces(**options: Any) -> ClassificationTask:
    """Return a task with two networks on the face and one on the sound."""
    encoders = {"audio": ToyEncoder(), "face": ToyEncoder(), "second": ToyEncoder(dim=3)}
    objectives = {
        "class": CrossEntropy,
        "corr": partial(SoftHGR, pairs=["audio+face"]),
        "second": partial(AuxiliaryCrossEntropy, feature="second"),
    }
    given = {"encoders": encoders, "objectives": objectives, "reads": {"second": "face"}}
    return toy_task(**{**given, **options})


def test_both_read_the_same_rows_and_have_features_of_their_own() -> None:
    task = two_faces().eval()
    batch = toy_batch(8, face=[True, False] * 4)
    bundle = task(batch)
    assert {name: x.shape[1] for name, x in bundle.features.items()} == {
        "audio": DIM,
        "face": DIM,
        "second": 3,
        "fused": DIM,
    }
    for name in ("face", "second"):
        assert torch.equal(bundle.present[name], batch.present["face"])
        assert not bundle.features[name][1::2].any()
        assert bundle.features[name][::2].any()
    assert torch.equal(bundle.inputs["face"], bundle.inputs["second"])
    assert set(task.model.standardise) == {"audio", "face"}
    assert task.model.modalities == ["audio", "face"]


def test_a_modality_is_taken_away_from_all_that_read_it() -> None:
    model = two_faces().eval().model
    batch = toy_batch(8)
    rows = torch.arange(8) < 3
    found = model.without(model(batch), {"face": rows})
    for name in ("face", "second"):
        assert torch.equal(found.present[name], ~rows)
        assert not found.features[name][rows].any()
    gone = toy_batch(8, face=(~rows).tolist())
    torch.testing.assert_close(found.output, model(gone).output)


def test_a_stage_shows_one_of_two_networks() -> None:
    task = two_faces()
    put_in_force(task, modalities=("second",), objectives={"second": 1.0})
    bundle = task.eval()(toy_batch(8))
    assert bundle.features["second"].any()
    assert not bundle.features["face"].any()
    assert not bundle.present["face"].any()
    assert task.model.modalities == ["face"]
    assert set(task.model.scores(bundle)) == {"second"}


def test_they_are_trained_and_tested_without_the_modality(tmp_path: Path) -> None:
    missing = MissingModality([0.5])
    task, _ = train(
        tmp_path, {"joint": Stage(1)}, missing, task=two_faces(), data=ToyData(tmp_path)
    )
    task.trainer.test(task, datamodule=ToyData(tmp_path), verbose=False)
    assert set(missing.results) == {"audio", "face", "either"}
    assert set(task.test_results) == {"fused", "second"}


def test_data_has_to_have_what_is_read(tmp_path: Path) -> None:
    encoders = {"audio": ToyEncoder(), "face": ToyEncoder()}
    task, data = toy_task(encoders=encoders, reads={"face": "pose"}), ToyData(tmp_path)
    with pytest.raises(ModelError, match="encodes audio, pose but the data extracts audio, face"):
        train(tmp_path, {"joint": Stage(1)}, task=task, data=data)
    with pytest.raises(
        ModelError, match=r"reads names 'third', which is not an encoder; the encoders are a"
    ):
        two_faces(reads={"third": "face"})
