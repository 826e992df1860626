"""A running mean of the model's weights: evaluated and kept in place of them."""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from emorec.callbacks.staged import StagedTraining
from emorec.errors import UserError


class AveragedWeights(Callback):
    """Validates, keeps and so tests a running mean of the weights instead of the last ones.

    Polyak and Juditsky 1992, with exponential weights: mean = decay x mean + (1 - decay) x weights
    after each optimizer step, statistics of batch norm among them. It starts anew with each stage
    and at first forgets faster: decay is at most (1 + step) / (10 + step). Training goes on with
    the weights themselves, and a resumed run with the mean that it had.

    Args:
        decay: Of the mean, 0 to below 1.

    Raises:
        UserError: decay is not within its bounds.
    """

    def __init__(self, decay: float = 0.999) -> None:
        if not 0 <= decay < 1:
            raise UserError(f"decay is 0 to below 1, got {decay}")
        self.decay = decay
        self.mean: dict[str, Tensor] = {}
        self.steps = 0
        self.stage = ""
        self._swapped = False

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check that stages keep what this callback puts into their place.

        Raises:
            UserError: The stages come after it.
        """
        kinds = [type(callback) for callback in trainer.callbacks]  # type: ignore[attr-defined]
        if StagedTraining in kinds and kinds.index(StagedTraining) > kinds.index(type(self)):
            raise UserError("AveragedWeights must come after StagedTraining in trainer.callbacks")

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Start anew where a stage begins, from its weights."""
        if not self.mean or self._stage(trainer) != self.stage:
            self.mean = {name: value.detach().clone() for name, value in tensors(pl_module)}
            self.steps, self.stage = trainer.global_step, self._stage(trainer)
            self._first = trainer.global_step

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Move the mean, after each optimizer step."""
        if trainer.global_step == self.steps:
            return
        self.steps = trainer.global_step
        step = self.steps - self._first
        average(self.mean, pl_module, min(self.decay, (1 + step) / (10 + step)))

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the mean into the model."""
        if self.mean and trainer.state.fn == TrainerFn.FITTING and not trainer.sanity_checking:
            swap(self.mean, pl_module)
            self._swapped = True

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the weights back: after StagedTraining has kept the mean, if it is the best."""
        if self._swapped:
            swap(self.mean, pl_module)
            self._swapped = False

    def state_dict(self) -> dict[str, Any]:
        """Return the mean, and where it began."""
        first = getattr(self, "_first", 0)
        return {"mean": self.mean, "steps": self.steps, "stage": self.stage, "first": first}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        self.mean, self.steps = dict(state_dict["mean"]), int(state_dict["steps"])
        self.stage, self._first = str(state_dict["stage"]), int(state_dict["first"])

    def _stage(self, trainer: Trainer) -> str:
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, StagedTraining):
                return callback.stage_at(trainer.current_epoch)[0]
        return "all"


def tensors(module: LightningModule) -> list[tuple[str, Tensor]]:
    """Return the parameters and buffers of a model that its checkpoints keep."""
    kept = module.state_dict(keep_vars=True)
    return [(name, value) for name, value in kept.items() if isinstance(value, Tensor)]


@torch.no_grad()
def average(mean: dict[str, Tensor], module: LightningModule, decay: float) -> None:
    """Move a mean of a model's tensors towards them, in place; whole numbers are copied."""
    for name, value in tensors(module):
        kept = mean[name] = mean[name].to(value.device)
        if value.is_floating_point():
            kept.lerp_(value.detach().to(kept.dtype), 1 - decay)
        else:
            kept.copy_(value)


@torch.no_grad()
def swap(mean: dict[str, Tensor], module: LightningModule) -> None:
    """Exchange a mean of a model's tensors with them, in place."""
    for name, value in tensors(module):
        if name in mean:
            kept = mean[name].to(value.device, copy=True)
            mean[name] = value.detach().clone()
            value.data.copy_(kept)
