"""Training in stages: which modules learn, on which objectives, for how many epochs."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Timer
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info

from emorec.callbacks.init_weights import check_split, existing, start_from
from emorec.callbacks.stage import Stage, StageError, check_monitor
from emorec.tasks import EmotionTask


class StagedTraining(Callback):
    """Goes through stages in order; each starts from the best weights of the one before.

    The stage is a function of the epoch alone. At its start the optimizer is made anew; frozen
    modules get no gradient (not a zero one: weight decay would still move them) and are in eval
    mode (else batch norm's running statistics would move). Freezing happens after
    DistributedDataParallel has wrapped the model, which needs
    ``strategy: ddp_find_unused_parameters_true``.

    The best weights of each stage are kept as ``STAGE.ckpt`` in the folder of checkpoints. Ties
    go to the earlier epoch.

    Args:
        stages: Name -> stage, in order.
        start: Checkpoint of another run whose weights the first stage starts from, such as its
            ``face.ckpt``, to pre-train once for several joint stages.
    """

    def __init__(self, stages: dict[str, Stage], start: Path | None = None) -> None:
        if not stages or any(stage.epochs < 1 for stage in stages.values()):
            raise StageError("training.stages needs at least one stage, each of at least 1 epoch")
        self.stages, self.start = stages, start
        self.folder: Path | None = None
        self.best: dict[str, dict[str, float]] = {}

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages.values())

    def stage_at(self, epoch: int) -> tuple[str, int]:
        """Return the name of the stage that an epoch is in, and the stage's first epoch."""
        first = 0
        for name, stage in self.stages.items():
            if epoch < first + stage.epochs:
                return name, first
            first += stage.epochs
        raise StageError(f"epoch {epoch} is after the last stage, which ends before {first}")

    def checkpoint(self, name: str) -> Path:
        """Return where a stage's best weights lie."""
        assert self.folder is not None
        return self.folder / f"{name}.ckpt"

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check the stages against the model and set the number of epochs."""
        task = _task(pl_module)
        # A head may have no parameters, and so no group.
        modules = [*task.parameter_groups(), "encoders", "objectives", "head"]
        for name, stage in self.stages.items():
            _known(name, "objectives", stage.objectives, list(task.objectives))
            counted = list(task.objectives) if stage.objectives is None else stage.objectives
            _known(name, "warmup", list(stage.warmup), counted)
            _known(name, "modalities", stage.modalities, list(task.encoders))
            _known(name, "train", stage.train, modules)
            _known(name, "learning_rates", list(stage.learning_rates), modules)
            check_monitor(name, stage, task)
        if trainer.max_epochs not in (None, -1, self.epochs):
            raise StageError(
                f"trainer.max_epochs is {trainer.max_epochs}, but the stages have {self.epochs}; "
                "leave it out and set --training.stages.NAME.epochs"
            )
        timed = any(isinstance(callback, Timer) for callback in trainer.callbacks)  # type: ignore[attr-defined]
        if trainer.max_steps not in (None, -1) or timed:
            raise StageError(
                "trainer.max_steps and trainer.max_time would cut an epoch short, and a stage with "
                "it; leave them out. A run that is killed (by a cluster's limit of time) goes on "
                "after its last whole epoch when the same command is given again"
            )
        if self.start is not None:
            check_split(existing(self.start), getattr(trainer, "datamodule", None))
        trainer.fit_loop.max_epochs = self.epochs
        self.folder = Path(trainer.default_root_dir) / "checkpoints"

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Enter the epoch's stage."""
        task = _task(pl_module)
        name, first = self.stage_at(trainer.current_epoch)
        stage = self.stages[name]
        entering = trainer.current_epoch == first
        if entering and first > 0:
            self._load_best(self.stage_at(first - 1)[0], trainer, task)
        elif entering and self.start is not None:
            start_from(self.start, task)
        self._apply(stage, task)
        if entering:
            # What an earlier stage measured must not be taken for this one's.
            trainer.callback_metrics.clear()
            task.learning_rates = dict(stage.learning_rates)
            trainer.strategy.setup_optimizers(trainer)
            rank_zero_info(
                f"stage {name}: {stage.epochs} epochs; learning: "
                f"{', '.join(stage.train or ['all modules'])}; objectives: "
                + ", ".join(f"{n} x {w:g}" for n, w in task.active.items())
            )

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Raise the weights of objectives that warm up."""
        name, first = self.stage_at(trainer.current_epoch)
        task = _task(pl_module)
        for objective, steps in self.stages[name].warmup.items():
            step = (trainer.current_epoch - first) * int(trainer.num_training_batches) + batch_idx
            share = min(1.0, (step + 1) / max(1, steps))
            task.active[objective] = task.objective(objective).weight * share

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the weights if they are the stage's best."""
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
        before = self.best.get(name)
        if before is None or score > before["score"]:
            self.best[name] = {"score": score, "epoch": trainer.current_epoch}
            trainer.save_checkpoint(self.checkpoint(name), weights_only=True)

    def state_dict(self) -> dict[str, Any]:
        """Return the best score and epoch of each stage."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        self.best = dict(state_dict["best"])

    def _apply(self, stage: Stage, task: EmotionTask) -> None:
        names = list(task.objectives) if stage.objectives is None else stage.objectives
        task.active = {name: task.objective(name).weight for name in names}
        task.shown = sorted(task.encoders if stage.modalities is None else stage.modalities)
        task.unlabelled = stage.unlabelled
        for name, module in _top_modules(task).items():
            on = stage.train is None or any(f"{name}.".startswith(f"{t}.") for t in stage.train)
            module.requires_grad_(on)
            module.train(on)
        for parameter in task.fixed:
            task.get_parameter(parameter).requires_grad_(False)

    def _load_best(self, name: str, trainer: Trainer, task: EmotionTask) -> None:
        path = self.checkpoint(name)
        trainer.strategy.barrier("best weights of a stage")
        if not path.is_file():
            raise StageError(f"no weights of stage {name} at {path}; start anew with --overwrite")
        saved = torch.load(path, map_location=task.device, weights_only=True)
        task.load_state_dict(saved["state_dict"])
        best = self.best[name]
        rank_zero_info(
            f"stage {name}: best {self.stages[name].monitor} {best['score']:.4f} "
            f"in epoch {best['epoch']:.0f}"
        )


def _task(pl_module: LightningModule) -> EmotionTask:
    if not isinstance(pl_module, EmotionTask):
        raise StageError(f"stages need an EmotionTask, got {type(pl_module).__name__}")
    return pl_module


def _top_modules(task: EmotionTask) -> dict[str, torch.nn.Module]:
    """Return the modules that hold the parameter groups, by group name."""
    return {name: task.get_submodule(name) for name in task.parameter_groups()}


def _known(stage: str, key: str, names: list[str] | None, known: list[str]) -> None:
    unknown = sorted(set(names or []) - set(known))
    if unknown:
        raise StageError(
            f"stage {stage}, {key}: unknown {', '.join(unknown)}; known: {', '.join(known)}"
        )
