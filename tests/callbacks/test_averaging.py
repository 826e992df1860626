"""The mean of the weights is what is validated, kept and tested; training goes on without it."""

import copy
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from emorec.callbacks import AveragedWeights, EpochSeed, Stage, StagedTraining, Teacher
from emorec.errors import UserError
from tests.helpers.staging import OPTIMIZER, State, changed, in_model, state_of, train
from tests.helpers.toy import ToyData, toy_batch, toy_task


class Look(Callback):
    """Keeps the weights after each step, and those that are validated."""

    def __init__(self) -> None:
        self.steps: list[State] = []
        self.validated: list[State] = []

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        self.steps.append(state_of(pl_module))

    def on_validation_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: object,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if batch_idx == 0:
            self.validated.append(state_of(pl_module))


def mean_of(start: State, steps: list[State], decay: float) -> State:
    """Return the exponential mean by its definition."""
    mean = {name: value.clone() for name, value in start.items()}
    for step, state in enumerate(steps, start=1):
        rate = min(decay, (1 + step) / (10 + step))
        for name, value in state.items():
            if value.is_floating_point():
                mean[name] = rate * mean[name] + (1 - rate) * value
            else:
                mean[name] = value
    return mean


def test_the_mean_is_validated_and_kept_and_training_goes_on_without_it(tmp_path: Path) -> None:
    look, plain = Look(), Look()
    task = toy_task(optimizer=OPTIMIZER)
    stages = {"one": Stage(1, steps=6)}
    _, staged = train(tmp_path / "a", stages, AveragedWeights(0.5), look, task=task)
    train(tmp_path / "b", stages, plain, task=toy_task(optimizer=OPTIMIZER))
    for mine, theirs in zip(look.steps, plain.steps, strict=True):
        assert changed(mine, theirs) == set()
    kept = in_model(torch.load(staged.checkpoint("one"), weights_only=True)["state_dict"])
    assert changed(kept, look.validated[0]) == set()
    assert "encoders.audio.linear.weight" in changed(kept, look.steps[-1])
    # Its first step starts from the weights before it, which are the task's, standardised.
    start = {**look.steps[0], **state_of(toy_task())}
    start |= {n: v for n, v in look.steps[0].items() if n.startswith("standardise")}
    wanted = mean_of(start, look.steps, 0.5)
    for name, value in kept.items():
        torch.testing.assert_close(value, wanted[name], msg=name)


def test_it_restarts_with_each_stage(tmp_path: Path) -> None:
    look = Look()
    stages = {"one": Stage(1, steps=5), "two": Stage(1, steps=1)}
    _, staged = train(
        tmp_path, stages, AveragedWeights(0.999), look, task=toy_task(optimizer=OPTIMIZER)
    )
    one, two = (
        in_model(torch.load(staged.checkpoint(name), weights_only=True)["state_dict"])
        for name in stages
    )
    rate = 2 / 11  # after one step
    name = "encoders.audio.linear.weight"
    torch.testing.assert_close(two[name], rate * one[name] + (1 - rate) * look.steps[-1][name])


def test_it_has_to_come_after_the_stages(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must come after StagedTraining"):
        Trainer(
            accelerator="cpu",
            default_root_dir=tmp_path,
            callbacks=[AveragedWeights(), EpochSeed(0), StagedTraining({"one": Stage(1)})],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        ).fit(toy_task(), datamodule=ToyData(tmp_path))
    with pytest.raises(UserError, match="0 to below 1"):
        AveragedWeights(1.0)


def test_a_model_can_be_copied_also_after_it_was_trained(tmp_path: Path) -> None:
    model = train(tmp_path, {"one": Stage(1)})[0].model.eval()
    other = copy.deepcopy(model)
    with torch.no_grad():
        torch.testing.assert_close(other(toy_batch()).output, model(toy_batch()).output)
        for parameter in other.parameters():
            parameter.zero_()
    assert all(changed(state_of(other), state_of(model)))


def test_only_one_stands_in_for_the_model(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="only one can be validated"):
        train(tmp_path, {"one": Stage(1)}, AveragedWeights(), Teacher(0.9, evaluate=True))


def test_the_mean_is_kept_in_single_precision(tmp_path: Path) -> None:
    averaged = AveragedWeights()
    train(tmp_path, {"one": Stage(1)}, averaged, precision="bf16-true")
    kinds = {value.dtype for value in averaged.weights.values() if value.is_floating_point()}
    assert kinds == {torch.float32}
