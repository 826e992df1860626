"""Training in stages: which modules are trained, on which objectives, for how many epochs."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Timer
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info
from torch.optim.lr_scheduler import ReduceLROnPlateau

from emorec.callbacks.init_weights import check_split, existing, start_from
from emorec.callbacks.stage import Stage, StageError, check_callbacks, check_monitor
from emorec.tasks import EmotionTask, Planned, data_of, task_of


class StagedTraining(Callback):
    """Trains stages in order; each starts from what the previous one kept: see ``Stage.keep``.

    The stage is a function of the epoch, and of which earlier stages ended early
    (``Stage.patience``). Each stage starts with a new optimizer. Frozen modules get no gradient
    (not a zero one: weight decay would still change them) and are in eval mode (else batch norm's
    running statistics would change). Freezing happens after DistributedDataParallel has wrapped
    the model, which needs ``strategy: ddp_find_unused_parameters_true``.

    The best weights of each stage, or its last ones, are saved as ``STAGE.ckpt`` in the checkpoint
    folder. Of equally good epochs the earlier one is the best.

    In a stage whose inputs are the same in each epoch (not augmented), frozen parts of encoders run
    once a window; see :class:`emorec.model.memo.Memo`. A callback that changes inputs has an
    attribute ``changes_inputs`` that is true.

    Args:
        stages: Name -> stage, in order.
        start: Checkpoint of another run for the initial weights of the first stage, such as its
            ``face.ckpt``, to pre-train once for several joint stages.
    """

    def __init__(self, stages: dict[str, Stage], start: Path | None = None) -> None:
        if not stages or any(stage.epochs < 1 for stage in stages.values()):
            raise StageError("training.stages needs at least one stage, each of at least 1 epoch")
        for name, stage in stages.items():
            if stage.steps is not None and stage.steps < stage.epochs:
                raise StageError(f"stage {name}: steps is {stage.steps}, fewer than its epochs")
            if stage.patience is not None and stage.patience < 1:
                raise StageError(f"stage {name}: patience is {stage.patience}; expected 1 or more")
            if stage.patience is not None and stage.keep == "last":
                raise StageError(
                    f"stage {name}: patience ends a stage after its best epoch, and keep: last "
                    "takes the last one; set only one of the two"
                )
        self.stages, self.start = stages, start
        self.folder: Path | None = None
        self.best: dict[str, dict[str, float]] = {}
        self.ended: dict[str, int] = {}  # stage that ended early -> its epochs
        self._planned: dict[str, int] = {}  # stage that has started -> its steps

    def length(self, name: str) -> int:
        """Return the number of epochs of a stage, as known so far."""
        return self.ended.get(name, self.stages[name].epochs)

    @property
    def epochs(self) -> int:
        """Epochs of all stages together, as known so far."""
        return sum(map(self.length, self.stages))

    def stage_at(self, epoch: int) -> tuple[str, int]:
        """Return the name of an epoch's stage, and the stage's first epoch."""
        first = 0
        for name in self.stages:
            if epoch < first + self.length(name):
                return name, first
            first += self.length(name)
        raise StageError(f"epoch {epoch} is after the last stage, which ends before {first}")

    def checkpoint(self, name: str) -> Path:
        """Return the path of a stage's best weights."""
        assert self.folder is not None
        return self.folder / f"{name}.ckpt"

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check the stages against the model and set the number of epochs."""
        task = task_of(pl_module)
        # A head may have no parameters, and thus no group.
        model = task.model
        modules = [*model.parameter_groups(), "encoders", "objectives", "head"]
        for name, stage in self.stages.items():
            _known(name, "objectives", stage.objectives, list(model.objectives))
            active = list(model.objectives) if stage.objectives is None else stage.objectives
            _known(name, "warmup", list(stage.warmup), active)
            _known(name, "modalities", stage.modalities, list(model.encoders))
            _known(name, "train", stage.train, modules)
            _known(name, "learning_rates", list(stage.learning_rates), modules)
            check_monitor(name, stage, task)
        planned = sum(stage.epochs for stage in self.stages.values())
        if trainer.max_epochs not in (None, -1, planned):
            raise StageError(
                f"trainer.max_epochs is {trainer.max_epochs}, but the stages have {planned}; "
                "remove it and set --training.stages.NAME.epochs"
            )
        check_callbacks(trainer.callbacks)  # type: ignore[attr-defined]
        self._check_lengths(trainer, task)
        timed = any(isinstance(callback, Timer) for callback in trainer.callbacks)  # type: ignore[attr-defined]
        if trainer.max_steps not in (None, -1) or timed:
            raise StageError(
                "trainer.max_steps and trainer.max_time would cut an epoch, and thus a stage, "
                "short; remove them. A run that is killed (by a cluster's time limit) continues "
                "after its last complete epoch when the same command is run again"
            )
        if self.start is not None:
            check_split(existing(self.start), data_of(trainer))
        trainer.fit_loop.max_epochs = self.epochs
        self.folder = Path(trainer.default_root_dir) / "checkpoints"
        self._count_batches(trainer)
        if self._planned:
            # Resumed in the middle of a stage: the saved scheduler's state needs a scheduler.
            name = list(self._planned)[-1]
            task.enter(self.stages[name].in_force(model), self._plan(name))
            trainer.strategy.setup_optimizers(trainer)

    def _check_lengths(self, trainer: Trainer, task: EmotionTask) -> None:
        """Check that stages can have their length, and that their schedules can be made.

        Raises:
            StageError: Options of the trainer cut them short.
            UserError: A schedule does not fit what stages monitor.
        """
        every = trainer.check_val_every_n_epoch or 1
        for name, stage in self.stages.items():
            if stage.epochs < every:
                raise StageError(
                    f"stage {name} has {stage.epochs} epoch(s) and would never be validated: "
                    f"trainer.check_val_every_n_epoch is {every}"
                )
            if stage.steps is not None and trainer.limit_train_batches != 1.0:
                raise StageError(
                    f"stage {name} has {stage.steps} steps, and trainer.limit_train_batches would "
                    "cut them short; set only one of the two"
                )
            trial = task.make_optimizer([{"params": [torch.zeros(1, requires_grad=True)]}])
            Planned(stage.scheduler, 10, stage.monitor).config(trial, task.make_scheduler)

    def _plan(self, name: str) -> Planned:
        stage = self.stages[name]
        return Planned(stage.scheduler, self._planned[name], stage.monitor)

    def _count_batches(self, trainer: Trainer) -> None:
        """Make the data give the batches per epoch that stages with ``steps`` need."""
        if all(stage.steps is None for stage in self.stages.values()):
            return
        data = data_of(trainer)
        if data is None:
            raise StageError("a stage with steps needs a data module, to set its batches per epoch")

        def batches() -> int | None:
            if trainer.current_epoch >= self.epochs:
                return None
            name, first = self.stage_at(trainer.current_epoch)
            return self.stages[name].batches(
                trainer.current_epoch - first, trainer.accumulate_grad_batches
            )

        data.batches_of_epoch = batches
        trainer.reload_dataloaders_every_n_epochs = 1  # type: ignore[attr-defined]

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Enter the epoch's stage."""
        task = task_of(pl_module)
        name, first = self.stage_at(trainer.current_epoch)
        stage = self.stages[name]
        entering = trainer.current_epoch == first
        if entering and first > 0:
            self._load_best(self.stage_at(first - 1)[0], trainer, task)
        elif entering and self.start is not None:
            start_from(self.start, task)
        task.enter(stage.in_force(task.model))
        data = data_of(trainer)
        if entering or task.model.memo is None:
            changed = any(getattr(each, "changes_inputs", False) for each in trainer.callbacks)  # type: ignore[attr-defined]
            same = data is not None and data.augment is None and not changed
            task.model.remember(same_inputs=same)
        if entering:
            # Metrics of an earlier stage must not be mistaken for this one's.
            trainer.callback_metrics.clear()
            batches = int(trainer.num_training_batches)
            steps = stage.steps or stage.epochs * -(-batches // trainer.accumulate_grad_batches)
            self._planned[name] = steps
            task.enter(stage.in_force(task.model), self._plan(name))
            trainer.strategy.setup_optimizers(trainer)
            rank_zero_info(
                f"stage {name}: {stage.epochs} epochs, {steps} steps; training: "
                f"{', '.join(stage.train or ['all modules'])}; objectives: "
                + ", ".join(f"{n} x {w:g}" for n, w in task.model.in_force.objectives.items())
            )

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Raise the weights of objectives that warm up."""
        name, first = self.stage_at(trainer.current_epoch)
        task = task_of(pl_module)
        for objective, steps in self.stages[name].warmup.items():
            stage, accumulated = self.stages[name], trainer.accumulate_grad_batches
            epochs = range(trainer.current_epoch - first)
            batches = [stage.batches(epoch, accumulated) for epoch in epochs]
            before = sum(int(trainer.num_training_batches) if n is None else n for n in batches)
            step = (before + batch_idx) // accumulated
            share = min(1.0, (step + 1) / max(1, steps))
            task.weigh({objective: task.model.objective(objective).weight * share})

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the weights if they are the stage's best, or the last ones are kept."""
        if trainer.state.fn != TrainerFn.FITTING or trainer.sanity_checking:
            return
        name, _ = self.stage_at(trainer.current_epoch)
        monitor = self.stages[name].monitor
        if monitor not in trainer.callback_metrics:
            known = sorted(m for m in trainer.callback_metrics if m.startswith("val/"))
            raise StageError(
                f"stage {name} monitors {monitor}, which was not measured (validation has no "
                f"labelled clip for it, or the name is wrong); measured: {', '.join(known)}"
            )
        score = float(trainer.callback_metrics[monitor])
        best = self.best.get(name)
        if best is None or score > best["score"] or self.stages[name].keep == "last":
            self.best[name] = {"score": score, "epoch": trainer.current_epoch}
            trainer.save_checkpoint(self.checkpoint(name), weights_only=True)
        for config in trainer.lr_scheduler_configs:
            # Not by Lightning, which steps it after the epoch's checkpoint is written.
            if isinstance(config.scheduler, ReduceLROnPlateau):
                config.scheduler.step(score)
        self._end_early(name, trainer)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Forget what frozen encoders made of windows: afterwards weights and windows change."""
        task_of(pl_module).model.memo = None

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Forget it too where training ends otherwise."""
        task_of(pl_module).model.memo = None

    def _end_early(self, name: str, trainer: Trainer) -> None:
        """End a stage that has not improved for ``patience`` epochs."""
        patience, epoch = self.stages[name].patience, trainer.current_epoch
        _, first = self.stage_at(epoch)
        waited = epoch - int(self.best[name]["epoch"])
        if patience is None or waited < patience or epoch + 1 == first + self.length(name):
            return
        self.ended[name] = epoch + 1 - first
        trainer.fit_loop.max_epochs = self.epochs
        rank_zero_info(
            f"stage {name}: ends after {self.ended[name]} epochs, {waited} without improvement"
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the best score and epoch of each stage, and where stages ended early."""
        return {"best": self.best, "ended": self.ended, "planned": self._planned}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self.best = dict(state_dict["best"])
        self.ended = dict(state_dict.get("ended", {}))
        self._planned = dict(state_dict.get("planned", {}))

    def _load_best(self, name: str, trainer: Trainer, task: EmotionTask) -> None:
        path = self.checkpoint(name)
        trainer.strategy.barrier("best weights of a stage")
        if not path.is_file():
            raise StageError(f"no weights of stage {name} at {path}; start over with --overwrite")
        try:
            saved = torch.load(path, map_location=task.device, weights_only=True)
        except Exception as error:  # torch.load raises anything for a truncated file
            raise StageError(
                f"the weights of stage {name} at {path} are damaged ({error}); start over with "
                "--overwrite"
            ) from error
        task.load_state_dict(saved["state_dict"])
        best = self.best[name]
        rank_zero_info(
            f"stage {name}: {self.stages[name].keep} {self.stages[name].monitor} "
            f"{best['score']:.4f} "
            f"in epoch {best['epoch']:.0f}"
        )


def _known(stage: str, key: str, names: list[str] | None, known: list[str]) -> None:
    unknown = sorted(set(names or []) - set(known))
    if unknown:
        raise StageError(
            f"stage {stage}, {key}: unknown {', '.join(unknown)}; known: {', '.join(known)}"
        )
