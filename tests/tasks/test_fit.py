"""The task under a trainer, on the toy set: initial weights, statistics, checkpoints, metrics."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader

from emorec.errors import ModelError
from emorec.tasks import ClassificationTask
from emorec.types import Classes, SegmentBatch
from tests.helpers.toy import ToyData, ToyEncoder, put_in_force, toy_batch, toy_task


def trainer(folder: Path, **options: Any) -> Trainer:
    options = {"max_epochs": 1, "num_sanity_val_steps": 0, "logger": False, **options}
    return Trainer(
        accelerator="cpu",
        devices=1,
        default_root_dir=folder,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )


def loads(task: ClassificationTask) -> list[int]:
    encoders = [task.model.encoder(name) for name in task.model.encoders]
    return [encoder.loaded for encoder in encoders if isinstance(encoder, ToyEncoder)]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[ClassificationTask, ToyData, Trainer]:
    folder = tmp_path_factory.mktemp("fit")
    task = toy_task(optimizer=partial(torch.optim.Adam, lr=0.03))
    data = ToyData(folder, clips=30)
    run = trainer(folder, max_epochs=8)
    run.fit(task, data)
    run.save_checkpoint(folder / "end.ckpt", weights_only=True)
    return task, data, run


def test_it_learns_a_set_that_can_be_learnt(
    fitted: tuple[ClassificationTask, ToyData, Trainer],
) -> None:
    _, _, run = fitted
    for name in ("fused", "audio", "face"):
        for metric in ("accuracy", "uar", "macro_f1"):
            assert 0 <= float(run.callback_metrics[f"val/{name}/{metric}"]) <= 1
    assert float(run.callback_metrics["val/fused/accuracy"]) > 0.6
    assert float(run.callback_metrics["train/scale/audio"]) > 0
    assert "val/corr/audio+face/S" in run.callback_metrics


def test_inputs_are_standardised_with_training_clips(
    fitted: tuple[ClassificationTask, ToyData, Trainer],
) -> None:
    task, data, _ = fitted
    for name, (mean, deviation) in data.statistics().items():
        state = task.model.standardise[name].state_dict()
        assert np.array_equal(state["mean"].numpy(), mean)
        assert np.array_equal(state["deviation"].numpy(), deviation)
        assert state["known"]


def test_initial_weights_are_read_once_by_a_fit_and_not_by_a_resumed_one(
    fitted: tuple[ClassificationTask, ToyData, Trainer], tmp_path: Path
) -> None:
    task, data, run = fitted
    assert loads(task) == [1, 1]
    run.save_checkpoint(tmp_path / "last.ckpt")
    resumed = toy_task(seed=1)
    trainer(tmp_path, max_epochs=9).fit(
        resumed, data, ckpt_path=tmp_path / "last.ckpt", weights_only=True
    )
    assert loads(resumed) == [0, 0]


def test_a_checkpoint_brings_weights_statistics_and_what_was_active(
    fitted: tuple[ClassificationTask, ToyData, Trainer], tmp_path: Path
) -> None:
    task, _, run = fitted
    run.save_checkpoint(tmp_path / "a.ckpt", weights_only=True)
    saved = torch.load(tmp_path / "a.ckpt", weights_only=True)
    saved["emorec"]["in_force"] |= {"objectives": {"audio_alone": 1.0}, "modalities": ("audio",)}
    other = toy_task(seed=5).eval()
    other.on_load_checkpoint(saved)
    other.load_state_dict(saved["state_dict"])
    found = other.model.in_force
    assert (found.objectives, found.modalities) == ({"audio_alone": 1.0}, ("audio",))
    other.model.in_force = task.model.in_force
    batch = toy_batch()
    was_training = task.training
    assert torch.equal(other(batch).output, task.eval()(batch).output)
    task.train(was_training)


def test_a_checkpoint_with_other_classes_is_refused() -> None:
    checkpoint: dict[str, Any] = {}
    other = toy_task(targets={"emotion": Classes(["up", "down"])})
    other.trainer = Trainer(accelerator="cpu", logger=False)
    other.on_save_checkpoint(checkpoint)
    with pytest.raises(ModelError, match=r"checkpoint's targets are .*up.*down.*anger.*calm.*joy"):
        toy_task().on_load_checkpoint(checkpoint)


def test_a_model_of_other_modalities_than_the_datas_is_refused(tmp_path: Path) -> None:
    data = ToyData(tmp_path)
    data.prepare_data()
    data.setup()
    data.extractors = {"audio": data.extractors["audio"]}
    with pytest.raises(ModelError, match=r"encodes audio, face but the data extracts audio"):
        trainer(tmp_path).fit(toy_task(), data)


def test_testing_keeps_the_decisions_on_all_test_clips(
    fitted: tuple[ClassificationTask, ToyData, Trainer], tmp_path: Path
) -> None:
    task, data, _ = fitted
    trainer(tmp_path).test(task, data, verbose=False)
    positions = [p for p, clip in enumerate(data.all_clips) if clip in data.clips_of("test")]
    assert set(task.test_results) == {"fused", "audio", "face"}
    for votes in task.test_results.values():
        assert votes.clip.tolist() == positions
        torch.testing.assert_close(votes.scores.sum(1), torch.ones(len(positions)))


def collected(task: ClassificationTask, batch: SegmentBatch) -> dict[str, list[int]]:
    """Return name of the scores -> clips that voted."""
    task.eval()
    task.test_step(batch, 0)
    task.on_test_epoch_end()
    return {name: votes.clip.tolist() for name, votes in task.test_results.items()}


def test_a_segment_without_a_modality_has_no_vote_on_that_modality() -> None:
    batch = toy_batch(4, face=[False, False, True, True])
    assert collected(toy_task(), batch) == {"audio": [0, 1], "face": [1], "fused": [0, 1]}


def test_a_segment_of_which_nothing_is_shown_has_no_fused_vote() -> None:
    task = toy_task()
    put_in_force(task, objectives={"class": 1.0}, modalities=("face",))
    batch = toy_batch(4, face=[False, False, True, True])
    assert collected(task, batch) == {"fused": [1]}


def test_a_modality_that_is_nowhere_in_the_part_leaves_no_decision_and_no_error() -> None:
    votes = collected(toy_task(), toy_batch(4, face=[False] * 4))
    assert votes["fused"] == [0, 1]
    assert votes.get("face", []) == []


def test_unlabelled_segments_vote_without_a_target() -> None:
    task = toy_task()
    batch = replace(toy_batch(4), labelled={"emotion": torch.tensor([True, True, False, False])})
    collected(task, batch)
    expected = [int(batch.targets["emotion"][0]), -1]
    assert task.test_results["fused"].target.tolist() == expected


def test_only_active_heads_are_scored() -> None:
    task = toy_task()
    put_in_force(task, objectives={"audio_alone": 1.0, "face_alone": 0.0})
    assert set(task.model.scores(task(toy_batch()))) == {"audio"}


def test_a_part_without_labels_logs_losses_and_no_accuracy(tmp_path: Path) -> None:
    class Unlabelled(ToyData):
        def val_dataloader(self) -> Any:
            batch = toy_batch(6)
            unlabelled = replace(batch, labelled={"emotion": torch.zeros(6, dtype=torch.bool)})
            batches: Any = [unlabelled]
            return DataLoader(batches, batch_size=None)

    run = trainer(tmp_path)
    run.fit(toy_task(), Unlabelled(tmp_path))
    logged = {name for name in run.callback_metrics if name.startswith("val/")}
    assert "val/loss/class" in logged
    assert not {name for name in logged if name.endswith("accuracy")}


@pytest.mark.parametrize(
    ("precision", "weights"),
    [("bf16-mixed", torch.float32), ("bf16-true", torch.bfloat16), ("64-true", torch.float64)],
)
def test_it_trains_in_other_precisions(
    precision: Any, weights: torch.dtype, tmp_path: Path
) -> None:
    task = toy_task(optimizer=partial(torch.optim.Adam, lr=0.03))
    run = trainer(tmp_path, precision=precision, max_epochs=4)
    run.fit(task, ToyData(tmp_path, clips=30))
    assert {p.dtype for p in task.parameters()} == {weights}
    assert all(torch.isfinite(p).all() for p in task.parameters())
    assert float(run.callback_metrics["val/fused/accuracy"]) > 0.5
