"""A teacher for unlabelled rows: its predictions, its weights, and what it does not change."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor

from emorec.augment import Augmentation, Mixup
from emorec.callbacks import Stage, Teacher
from emorec.errors import UserError
from emorec.objectives import Consistency
from emorec.tasks import ClassificationTask
from emorec.types import SegmentBatch
from tests.helpers.staging import train
from tests.helpers.toy import ToyData, put_in_force, toy_batch, toy_objectives, toy_task

LABELLED = torch.arange(8) < 3
NONE: Any = None
SLOW = partial(torch.optim.AdamW, lr=0.02)


class Negate(Augmentation):
    """Stands for a strong augmentation: turns the sign, and takes the face away."""

    def forward(self, batch: SegmentBatch) -> SegmentBatch:
        inputs = {name: -x for name, x in batch.inputs.items()}
        return replace(batch, inputs=inputs, present={**batch.present, "face": ~LABELLED & False})


def taught_task(**options: Any) -> ClassificationTask:
    objectives = {**toy_objectives(), "consistency": partial(Consistency, kind="soft")}
    return toy_task(objectives=objectives, dropout=0.5, **options)


def fresh_batch() -> SegmentBatch:
    return replace(toy_batch(8), labelled={"emotion": LABELLED})


def shares(task: ClassificationTask, batch: SegmentBatch) -> Tensor:
    task.eval()
    with torch.no_grad():
        found: Tensor = task(batch).output.softmax(-1)
    task.train()
    return found


def test_the_target_is_the_models_prediction_in_eval_mode() -> None:
    task = taught_task().train()
    task.model.encoders["audio"].eval()  # a frozen part
    batch = fresh_batch()
    wanted = shares(task, fresh_batch())
    task.model.encoders["audio"].eval()
    before = {name: value.clone() for name, value in task.state_dict().items()}
    Teacher(decay=0.0).on_train_batch_start(NONE, task, batch, 0)
    torch.testing.assert_close(batch.targets["teacher"], wanted)
    assert torch.equal(batch.labelled["teacher"], ~LABELLED)
    assert torch.equal(batch.labelled["emotion"], LABELLED)
    assert all(torch.equal(value, before[name]) for name, value in task.state_dict().items())
    assert task.training
    assert task.model.encoders["face"].training
    assert not task.model.encoders["audio"].training


def test_only_sure_rows_count_and_all_may() -> None:
    task = taught_task().train()
    wanted = shares(task, fresh_batch()).amax(1)
    threshold = float(wanted.median())
    batch = fresh_batch()
    Teacher(0.0, threshold, rows="all").on_train_batch_start(NONE, task, batch, 0)
    assert batch.labelled["teacher"].all()
    assert torch.equal(batch.labelled["teacher/sure"], wanted >= threshold)
    assert 0 < int(batch.labelled["teacher/sure"].sum()) < 8


def test_unlabelled_rows_are_changed_after_the_teacher_has_seen_them() -> None:
    task = taught_task().train()
    batch, plain = fresh_batch(), fresh_batch()
    Teacher(0.0, strong=Negate()).on_train_batch_start(NONE, task, batch, 0)
    torch.testing.assert_close(batch.targets["teacher"], shares(task, plain))
    for name, x in batch.inputs.items():
        assert torch.equal(x[LABELLED], plain.inputs[name][LABELLED])
        assert torch.equal(x[~LABELLED], -plain.inputs[name][~LABELLED])
    assert batch.present["face"].tolist() == LABELLED.tolist()


def test_the_mean_teachers_weights_follow_slowly() -> None:
    task = taught_task().train()
    teacher = Teacher(decay=0.9)
    name = "model.head.weight"
    mean = task.state_dict()[name].clone()
    for step in range(1, 30):
        teacher.on_train_batch_start(NONE, task, fresh_batch(), 0)
        with torch.no_grad():
            task.get_parameter(name).mul_(1.05)
        teacher.on_train_batch_end(NONE, task, NONE, NONE, 0)
        decay = min(0.9, 1 - 1 / (step + 1))
        mean = decay * mean + (1 - decay) * task.state_dict()[name]
    torch.testing.assert_close(teacher.weights[name], mean)
    again = Teacher(decay=0.9)
    again.load_state_dict(teacher.state_dict())
    batches = [fresh_batch(), fresh_batch()]
    for each, batch in zip((teacher, again), batches, strict=True):
        each.on_train_batch_start(NONE, task, batch, 0)
    assert torch.equal(batches[0].targets["teacher"], batches[1].targets["teacher"])
    assert not torch.allclose(batches[0].targets["teacher"], shares(task, fresh_batch()))


def test_stages_without_its_objective_are_left_alone() -> None:
    task = taught_task().train()
    teacher, batch = Teacher(), fresh_batch()
    teacher.on_train_batch_start(NONE, task, batch, 0)
    assert teacher.weights
    put_in_force(task, objectives={"class": 1.0, "consistency": 0.0})
    batch = fresh_batch()
    teacher.on_train_batch_start(NONE, task, batch, 0)
    assert "teacher" not in batch.targets
    assert not teacher.weights
    with pytest.raises(UserError, match="decay must be 0 to below 1"):
        Teacher(decay=1.0)


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_a_stage_learns_from_unlabelled_clips(decay: float, tmp_path: Path) -> None:
    stages = {"joint": Stage(2, objectives=["class", "consistency"])}
    data = ToyData(tmp_path, labelled_share=0.4)
    task, _ = train(tmp_path, stages, Teacher(decay), task=taught_task(), data=data)
    logged = task.trainer.callback_metrics
    assert 0.3 < float(logged["train/consistency/share"]) < 0.8
    assert float(logged["val/loss/consistency"]) == 0
    assert "val/consistency/share" not in logged


def test_each_stage_begins_with_a_teacher_of_its_own(tmp_path: Path) -> None:
    names = ["class", "consistency"]
    stages = {"first": Stage(2, objectives=names), "second": Stage(1, objectives=names)}
    teacher, seen = Teacher(0.9), []

    class Look(Callback):
        def on_train_batch_start(self, trainer: Any, pl_module: Any, *_: Any) -> None:
            seen.append((trainer.current_epoch, teacher.steps))

    train(tmp_path, stages, teacher, Look(), task=taught_task(), data=ToyData(tmp_path))
    batches = len(seen) // 3
    assert [steps for epoch, steps in seen if epoch < 2] == list(range(2 * batches))
    assert [steps for epoch, steps in seen if epoch == 2] == list(range(batches))


def test_strong_views_keep_their_targets() -> None:
    teacher = Teacher(0.0, strong=Mixup())
    assert teacher.strong is not None
    teacher.strong.bind(None, {"emotion": 3})
    with pytest.raises(UserError, match=r"put Mixup into data\.augment"):
        teacher.on_train_batch_start(NONE, taught_task().train(), fresh_batch(), 0)


def test_without_a_teacher_the_message_says_what_to_add() -> None:
    task = taught_task().train()
    batch = fresh_batch()
    with pytest.raises(UserError, match="add the callback Teacher"):
        task.losses(task(batch), batch)


def test_the_mean_teacher_has_statistics_of_its_own() -> None:
    """With the student's, averaged weights reached 0.17 where the student had 0.76."""
    task = taught_task().train()
    teacher, name = Teacher(decay=0.9), "model.encoders.audio.norm.running_mean"
    own = task.state_dict()[name].clone()
    for _ in range(40):
        batch = fresh_batch()
        before = task.state_dict()[name].clone()
        teacher.on_train_batch_start(NONE, task, batch, 0)
        assert torch.equal(task.state_dict()[name], before)  # the teacher looks, the model stays
        x = batch.inputs["audio"]
        linear = [
            teacher.weights[f"model.encoders.audio.linear.{part}"] for part in ("weight", "bias")
        ]
        own = 0.9 * own + 0.1 * torch.nn.functional.linear(x, *linear).mean(0)
        with torch.no_grad():
            task.get_parameter("model.encoders.audio.linear.bias").add_(1.0)
        task(batch)
        teacher.on_train_batch_end(NONE, task, NONE, NONE, 0)
    torch.testing.assert_close(teacher.weights[name], own)
    assert (task.state_dict()[name] - own).abs().min() > 1


def test_frozen_statistics_stay_frozen_in_the_teacher() -> None:
    task = taught_task().train()
    task.model.encoders["audio"].eval()
    teacher, name = Teacher(decay=0.9), "model.encoders.audio.norm.running_mean"
    before = task.state_dict()[name].clone()
    teacher.on_train_batch_start(NONE, task, fresh_batch(), 0)
    assert torch.equal(teacher.weights[name], before)


class Shift(Augmentation):
    """Stands for a random augmentation: another number each time."""

    def forward(self, batch: SegmentBatch) -> SegmentBatch:
        shift = torch.randn(())
        return replace(batch, inputs={name: x + shift for name, x in batch.inputs.items()})


@pytest.mark.parametrize(("decay", "augment"), [(0.9, Shift()), (0.0, Shift()), (0.9, Mixup())])
def test_the_mean_teacher_sees_an_augmentation_of_its_own(
    decay: float, augment: Augmentation, tmp_path: Path
) -> None:
    seen: list[tuple[Tensor, Tensor]] = []

    class Look(Teacher):
        def _predict(self, task: Any, batch: SegmentBatch) -> Any:
            self.shown = batch.inputs["audio"].clone()
            return super()._predict(task, batch)

        def on_train_batch_start(self, trainer: Any, task: Any, batch: Any, batch_idx: int) -> None:
            super().on_train_batch_start(trainer, task, batch, batch_idx)
            seen.append((self.shown, batch.inputs["audio"]))

    stages = {"joint": Stage(1, objectives=["class", "consistency"])}
    data = ToyData(tmp_path, augment=augment, labelled_share=0.5)
    train(tmp_path, stages, Look(decay), task=taught_task(), data=data)
    same = [torch.equal(theirs, mine) for theirs, mine in seen]
    assert any(same) != (decay > 0 and isinstance(augment, Shift))
    if isinstance(augment, Shift) and decay:
        gap = seen[0][0] - seen[0][1]
        assert gap.std() < 1e-5 < gap.abs().max()  # the same rows, another draw


def test_evaluate_saves_the_teacher(tmp_path: Path) -> None:
    stages = {"joint": Stage(3, steps=60, objectives=["class", "consistency"])}
    data = ToyData(tmp_path, clips=60)
    teacher = Teacher(0.9, evaluate=True)
    task, staged = train(tmp_path, stages, teacher, task=taught_task(optimizer=SLOW), data=data)
    kept = torch.load(staged.checkpoint("joint"), weights_only=True)["state_dict"]
    weight = "model.encoders.audio.linear.weight"
    assert not torch.equal(kept[weight], task.state_dict()[weight])
    if staged.best["joint"]["epoch"] == 2:
        torch.testing.assert_close(kept[weight], teacher.weights[weight])
    # From scratch the averaged weights are as good as the model: they have their own statistics.
    assert staged.best["joint"]["score"] > 0.8
    with pytest.raises(UserError, match="needs a decay"):
        Teacher(0.0, evaluate=True)
