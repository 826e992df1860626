"""Trains a cell of a study on inputs that fit in memory: the steps of ``fit``, and little else."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import torch
from lightning.pytorch import Callback
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.utils.data import BatchSampler

from emorec.callbacks import (
    AveragedWeights,
    EpochSeed,
    MissingModality,
    SelectValues,
    StagedTraining,
    Teacher,
)
from emorec.callbacks.averaging import put
from emorec.callbacks.stage import Stage
from emorec.data import EmotionDataModule
from emorec.data.loaders import Segments
from emorec.data.sampler import FILLER
from emorec.data.splits.parts import Part
from emorec.errors import UserError
from emorec.evaluation.clips import Votes
from emorec.fusion import Fusion
from emorec.tasks import ClassificationTask
from emorec.tasks.schedules import Planned
from emorec.types import SegmentBatch

ROWS = 2048  # tested at once


class InMemory:
    """A task and all rows of its data.

    Training takes the batches that ``fit`` takes, in the same order, with the same losses,
    schedule, gradient limit and random numbers, so its results are those of ``fit``. It does not
    validate between epochs, so stages keep their last weights, and augmentations see standardised
    inputs.

    Args:
        task: The task.
        data: The data module, after ``setup``.
        stages: The stages of training.
        callbacks: Those of the trainer, of which :class:`~emorec.callbacks.Teacher` is used.
        seed: Of dropout and augmentation.

    Raises:
        UserError: Something is configured that only ``fit`` does.
    """

    def __init__(
        self,
        task: ClassificationTask,
        data: EmotionDataModule,
        stages: StagedTraining,
        callbacks: Sequence[Callback],
        seed: int,
    ) -> None:
        self.task, self.data, self.stages = task, data, stages
        self.teachers = [each for each in callbacks if isinstance(each, Teacher)]
        self._check(callbacks)
        # What callbacks and the task look up; there is no trainer.
        self.trainer: Any = SimpleNamespace(
            datamodule=data,
            current_epoch=0,
            global_rank=0,
            accumulate_grad_batches=1,
            num_training_batches=0,
            callbacks=[stages, *self.teachers],
        )
        task.trainer = cast("Any", self.trainer)
        self.reseed = EpochSeed(seed)
        for name in task.model.encoders:
            task.model.encoder(name).load_initial_weights()
        for objective in task.model.objectives:
            task.model.objective(objective).set_speakers(data.speakers())
            task.model.objective(objective).set_class_counts(data.class_counts())
        self.parts = self._standardised()

    def _check(self, callbacks: Sequence[Callback]) -> None:
        if not self.task.automatic_optimization:
            raise UserError(
                f"{type(self.task).__name__} takes its own steps, which engine: memory does not "
                "do; use engine: fit"
            )
        for each in callbacks:
            if isinstance(each, (AveragedWeights, SelectValues)):
                raise UserError(
                    f"{type(each).__name__} is a callback of engine: fit; engine: memory uses "
                    "Teacher alone"
                )
        if self.data.context != "none":
            raise UserError("data.context is for engine: fit; engine: memory deals single segments")
        if type(self.task.model.fusion).fit_on_validation is not Fusion.fit_on_validation:
            raise UserError(
                f"{type(self.task.model.fusion).__name__} is fitted on validation clips, which "
                "engine: memory does not do; use engine: fit"
            )
        for name, stage in self.stages.stages.items():
            if stage.keep != "last" or stage.patience is not None:
                raise UserError(
                    f"stage {name}: engine: memory does not validate between epochs; it needs "
                    "keep: last and no patience, or use engine: fit"
                )

    def _standardised(self) -> dict[Part, SegmentBatch]:
        """Return all rows of each part, standardised now instead of in each step."""
        sets: dict[Part, Segments] = dict(self.data.parts)
        if self.data.more is not None:
            sets["train"] = self.data.more
        found = {
            part: rows.__getitems__(range(len(rows))) for part, rows in sets.items() if len(rows)
        }
        for modality, (mean, deviation) in self.data.statistics().items():
            module = self.task.model.standardise[modality]
            module.set(mean, deviation)  # type: ignore[operator]
            for batch in found.values():
                batch.inputs[modality] = module(batch.inputs[modality])
            self.task.model.standardise[modality] = nn.Identity()
        return found

    def fit(self, limit: float | None) -> None:
        """Train all stages.

        Args:
            limit: Largest norm of the gradient; None: no limit.
        """
        for stage in self.stages.stages.values():
            steps = stage.steps or sum(len(self._order(stage, e)) for e in range(stage.epochs))
            planned = Planned(stage.scheduler, steps, stage.monitor)
            self.task.enter(stage.in_force(self.task.model), planned)
            made = self.task.configure_optimizers()
            config = made.get("lr_scheduler") if isinstance(made, dict) else None
            optimizer = made["optimizer"] if isinstance(made, dict) else made
            by_step = isinstance(config, dict)  # a bare scheduler is stepped each epoch
            scheduler = config["scheduler"] if isinstance(config, dict) else config
            for epoch in range(stage.epochs):
                order = self._order(stage, epoch)
                self.trainer.num_training_batches = len(order)
                self._start_epoch(stage)
                for step, rows in enumerate(order):
                    optimizer.zero_grad()
                    self._loss(rows, step).backward()  # type: ignore[no-untyped-call]
                    if limit:
                        clip_grad_norm_(self.task.parameters(), limit)
                    optimizer.step()
                    for each in self.teachers:
                        each.on_train_batch_end(self.trainer, self.task, None, None, step)
                    if scheduler is not None and by_step:
                        scheduler.step()
                if scheduler is not None and not by_step:
                    scheduler.step()
                self.trainer.current_epoch += 1
            for each in self.teachers:
                if each.evaluated and each.weights:
                    put(each.weights, self.task)
        self.task.eval()

    def _order(self, stage: Stage, epoch: int) -> list[list[int]]:
        """Return the rows of each batch of an epoch, as the loader of ``fit`` deals them."""
        self.data.batches_of_epoch = lambda: stage.batches(epoch, 1)
        loader = self.data.train_dataloader()
        loader.sampler.set_epoch(self.trainer.current_epoch)  # type: ignore[attr-defined]
        sampler = cast("BatchSampler", loader.batch_sampler)
        return [[row for row in rows if row != FILLER] for rows in sampler]

    def _start_epoch(self, stage: Stage) -> None:
        self.reseed.on_train_epoch_start(self.trainer, self.task)
        self.task.enter(stage.in_force(self.task.model))
        for each in self.teachers:
            each.on_train_epoch_start(self.trainer, self.task)

    def _loss(self, rows: Sequence[int], step: int) -> torch.Tensor:
        chosen = torch.tensor(rows)
        batch = self.parts["train"].of(chosen)
        batch = self.data.augmented(batch, self.task.model.modalities)
        for each in (self.reseed, *self.trainer.callbacks):  # weights that rise, and teachers
            each.on_train_batch_start(self.trainer, self.task, batch, step)
        return self.task.loss_of(batch)[0]

    @torch.no_grad()
    def test(self, missing: MissingModality) -> dict[str, Votes]:
        """Return the decisions on test clips by name of the scores, calibrated on validation clips.

        Args:
            missing: Tests with missing modalities, too.
        """
        if "val" in self.parts:
            for batch in _chunks(self.parts["val"]):
                self.task.test_step(batch, 0)
            self.task.on_test_epoch_end()
            if "fused" in self.task.raw_results:
                self.task.decision.fit(self.task.raw_results["fused"])
        missing.on_test_epoch_start(self.trainer, self.task)
        for batch in _chunks(self.parts["test"]):
            bundle = self.task.test_step(batch, 0)
            missing.on_test_batch_end(self.trainer, self.task, bundle, batch, 0)
        self.task.on_test_epoch_end()
        missing.on_test_epoch_end(self.trainer, self.task)
        return self.task.test_results


def _chunks(rows: SegmentBatch) -> Iterator[SegmentBatch]:
    for start in range(0, len(rows), ROWS):
        yield rows.rows(slice(start, start + ROWS))
