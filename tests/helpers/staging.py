"""Staged training of the toy task, put together as the command line does it."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from emorec.callbacks import EpochSeed, Stage, StagedTraining
from emorec.runs.checkpoints import AtomicCheckpointIO
from emorec.tasks import ClassificationTask
from tests.helpers.toy import ToyData, toy_task

State = dict[str, torch.Tensor]
OPTIMIZER = partial(torch.optim.AdamW, lr=0.02, weight_decay=0.1)


def three_stages() -> dict[str, Stage]:
    """Return two unimodal stages and a joint one, of two epochs each."""
    return {
        name: Stage(
            2,
            train=[f"encoders.{name}", f"objectives.{name}_alone"],
            objectives=[f"{name}_alone"],
            modalities=[name],
            monitor=f"val/{name}/accuracy",
        )
        for name in ("audio", "face")
    } | {"joint": Stage(2, objectives=["class", "corr"])}


def state_of(task: torch.nn.Module) -> State:
    """Return a copy of all parameters and buffers, by their names in the model."""
    return {name: value.detach().clone() for name, value in in_model(task.state_dict()).items()}


def in_model(state: State) -> State:
    """Return the tensors of a task, or of a checkpoint, by their names in the model."""
    return {name.removeprefix("model."): value for name, value in state.items()}


def changed(before: State, after: State) -> set[str]:
    """Return the names of what is not bit-identical."""
    return {key for key, value in after.items() if not torch.equal(value, before[key])}


class Watch(Callback):
    """Keeps the weights, the optimizer and the weights of objectives of each epoch."""

    def __init__(self) -> None:
        self.starts: list[State] = []
        self.ends: list[State] = []
        self.optimizers: list[torch.optim.Optimizer] = []
        self.rates: list[dict[str, float]] = []
        self.active: list[dict[str, float]] = []
        self.entries: list[int] = []
        self.scores: list[float | None] = []
        self.monitor = "val/fused/accuracy"

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep what an epoch starts with; runs after StagedTraining."""
        (optimizer,) = trainer.optimizers
        self.starts.append(state_of(pl_module))
        self.optimizers.append(optimizer)
        self.rates.append({group["name"]: group["lr"] for group in optimizer.param_groups})
        self.entries.append(len(optimizer.state))

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Keep the weights of the objectives that this step had."""
        assert isinstance(pl_module, ClassificationTask)
        self.active.append(dict(pl_module.model.in_force.objectives))

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep what an epoch leaves."""
        self.ends.append(state_of(pl_module))
        score = trainer.callback_metrics.get(self.monitor)
        self.scores.append(None if score is None else float(score))


class Stop(Callback):
    """Fails at a batch of an epoch, as a killed run does."""

    def __init__(self, epoch: int, batch: int) -> None:
        self.at = epoch, batch

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Raise where it is time."""
        if (trainer.current_epoch, batch_idx) == self.at:
            raise InterruptedError


def train(
    folder: Path,
    stages: dict[str, Stage],
    *more: Callback,
    task: ClassificationTask | None = None,
    resume: bool = False,
    start: Path | None = None,
    data: ToyData | None = None,
    **options: Any,
) -> tuple[ClassificationTask, StagedTraining]:
    """Train as ``emorec fit`` does and return the task and the callback."""
    task = task or toy_task(optimizer=OPTIMIZER)
    staged = StagedTraining(stages, start)
    last = ModelCheckpoint(
        folder / "checkpoints",
        filename="last",
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    callbacks: Sequence[Callback] = [staged, EpochSeed(3), *more, last]
    trainer = Trainer(
        default_root_dir=folder,
        callbacks=list(callbacks),
        plugins=[AtomicCheckpointIO()],
        num_sanity_val_steps=0,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **{"accelerator": "cpu", "devices": 1, "max_epochs": -1, **options},
    )
    path = folder / "checkpoints" / "last.ckpt" if resume else None
    trainer.fit(task, datamodule=data or ToyData(folder), ckpt_path=path, weights_only=True)
    return task, staged
