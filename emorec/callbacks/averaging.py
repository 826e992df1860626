"""A running mean of the model's weights, validated and saved in their place."""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from emorec.callbacks.staged import StagedTraining
from emorec.errors import UserError


class StandIn(Callback):
    """Other weights that are validated and saved in place of the model's.

    Attributes:
        weights: Name in the model's state dict -> tensor; nothing is swapped while empty.
        evaluated: Whether to swap them in at all.
    """

    def __init__(self) -> None:
        self.weights: dict[str, Tensor] = {}
        self.evaluated = True
        self._own: dict[str, Tensor] = {}  # the model's weights, while swapped out

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check that StagedTraining saves the swapped-in weights.

        Raises:
            UserError: StagedTraining comes after it, or another callback swaps weights too.
        """
        kinds = [type(callback) for callback in trainer.callbacks]  # type: ignore[attr-defined]
        late = StagedTraining in kinds and kinds.index(StagedTraining) > kinds.index(type(self))
        name = type(self).__name__
        if self.evaluated and late:
            raise UserError(f"{name} must come after StagedTraining in trainer.callbacks")
        others = [c for c in trainer.callbacks if isinstance(c, StandIn) and c.evaluated]  # type: ignore[attr-defined]
        if len(others) > 1:
            names = " and ".join(type(each).__name__ for each in others)
            raise UserError(f"{names}: only one can be validated in place of the model")

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Swap the weights into the model."""
        fitting = trainer.state.fn == TrainerFn.FITTING and not trainer.sanity_checking
        if self.evaluated and self.weights and fitting:
            self._own = {name: value.detach().clone() for name, value in tensors(pl_module)}
            put(self.weights, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore the model's weights, after StagedTraining has saved the others, if best."""
        if self._own:
            put(self._own, pl_module)
            self._own = {}

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Restore the model's weights if validation fails."""
        self.on_validation_end(trainer, pl_module)


class AveragedWeights(StandIn):
    """Validates, saves and so tests a running mean of the weights instead of the weights.

    Polyak and Juditsky 1992, with exponential weights: mean = decay x mean + (1 - decay) x weights
    after each optimizer step, including statistics of batch norm. It restarts with each stage, and
    decay is at most (1 + step) / (10 + step), lower at first. Training continues with the weights
    themselves; a resumed run restores the mean.

    Args:
        decay: Decay of the mean, 0 to below 1.

    Raises:
        UserError: decay is out of bounds.
    """

    def __init__(self, decay: float = 0.999) -> None:
        if not 0 <= decay < 1:
            raise UserError(f"decay must be 0 to below 1, got {decay}")
        super().__init__()
        self.decay = decay
        self.steps = self.first = 0  # of the optimizer
        self.stage = ""

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Restart from the current weights at the start of a stage."""
        if not self.weights or stage_of(trainer) != self.stage:
            # At least float32: in bfloat16 the mean would not change.
            self.weights = {}
            for name, value in tensors(pl_module):
                wide = torch.promote_types(value.dtype, torch.float32)
                dtype = wide if value.is_floating_point() else value.dtype
                self.weights[name] = value.detach().to(dtype, copy=True)
            self.steps, self.stage = trainer.global_step, stage_of(trainer)
            self.first = trainer.global_step

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Update the mean after each optimizer step."""
        if trainer.global_step == self.steps:
            return
        self.steps = trainer.global_step
        step = self.steps - self.first
        average(self.weights, pl_module, min(self.decay, (1 + step) / (10 + step)))

    def state_dict(self) -> dict[str, Any]:
        """Return the mean and where it started."""
        progress = {"steps": self.steps, "first": self.first, "stage": self.stage}
        return {"weights": self.weights, **progress}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self.weights, self.steps = dict(state_dict["weights"]), int(state_dict["steps"])
        self.stage, self.first = str(state_dict["stage"]), int(state_dict["first"])


def stage_of(trainer: Trainer) -> str:
    """Return the name of the current stage; ``all`` without stages."""
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, StagedTraining):
            return callback.stage_at(trainer.current_epoch)[0]
    return "all"


def tensors(module: LightningModule) -> list[tuple[str, Tensor]]:
    """Return the parameters and buffers of a model that its checkpoints store."""
    state = module.state_dict(keep_vars=True)
    return [(name, value) for name, value in state.items() if isinstance(value, Tensor)]


@torch.no_grad()
def average(mean: dict[str, Tensor], module: LightningModule, decay: float) -> None:
    """Update a running mean of a model's tensors in place; integers are copied."""
    for name, value in tensors(module):
        running = mean[name] = mean[name].to(value.device)
        if value.is_floating_point():
            running.lerp_(value.detach().to(running.dtype), 1 - decay)
        else:
            running.copy_(value)


@torch.no_grad()
def put(weights: dict[str, Tensor], module: LightningModule) -> None:
    """Copy tensors into a model, in its precision."""
    for name, value in tensors(module):
        if name in weights:
            value.data.copy_(weights[name])
