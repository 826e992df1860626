"""A teacher for clips without a label: what it says becomes a target of the batch."""

from typing import Any, Literal

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from emorec.augment import Augmentation
from emorec.callbacks.averaging import StandIn, stage_of, tensors
from emorec.errors import UserError
from emorec.model import EmotionModel
from emorec.tasks import EmotionTask, data_of, task_of
from emorec.types import SegmentBatch


class Teacher(StandIn):
    """Adds the target ``teacher`` to training batches: class probabilities of a teacher's output.

    The objective :class:`~emorec.objectives.Consistency` reads it. Two published ways:

    - mean teacher (Tarvainen and Valpola 2017, https://arxiv.org/abs/1703.01780): ``decay: 0.99``,
      Consistency with ``kind: mse``; the teacher's weights are a running mean of the model's. It
      has its own view of the batch, augmented once more by ``data.augment`` (but where that mixes
      rows), and its own statistics of batch norm: those of the batch as the teacher sees it, with
      running means of its own. Dropout is off in the teacher (ours).
    - FixMatch (Sohn et al. 2020, https://arxiv.org/abs/2001.07685): ``decay: 0``, ``threshold:
      0.95``, ``strong`` augmentations, Consistency with ``kind: hard``; the model teaches itself,
      in evaluation mode, from a weakly augmented view (as ``data.augment`` left it) to a strongly
      augmented one. Labelled rows stay weak.

    It does nothing in stages that do not use such an objective, and starts from the model's weights
    in each of those that do.

    Args:
        decay: Of the running mean of weights, 0 to below 1; 0 is the model itself. In the first
            steps it is smaller: at most 1 - 1 / (step + 1).
        threshold: The teacher is sure where its largest probability is at least this.
        rows: Which rows the teacher has a say in: ``unlabelled``, or ``all``.
        strong: What unlabelled rows go through after the teacher has seen them.
        evaluate: Validate, keep and so test the teacher in place of the model, as Tarvainen and
            Valpola do.
    """

    def __init__(
        self,
        decay: float = 0.99,
        threshold: float = 0.0,
        rows: Literal["unlabelled", "all"] = "unlabelled",
        strong: Augmentation | None = None,
        evaluate: bool = False,
    ) -> None:
        if not 0 <= decay < 1 or not 0 <= threshold <= 1:
            raise UserError(f"decay is 0 to below 1, threshold 0 to 1; got {decay}, {threshold}")
        if evaluate and not decay:
            raise UserError(
                "Teacher.evaluate needs a decay: without one the model is its own teacher"
            )
        self.decay, self.threshold, self.rows, self.strong = decay, threshold, rows, strong
        super().__init__()
        self.evaluated = evaluate
        self.steps = 0
        self.stage = ""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget the mean of the weights where a stage begins."""
        stage = stage_of(trainer)
        if stage != self.stage:
            self.weights, self.steps, self.stage = {}, 0, stage

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Add the target, then augment; see the class.

        Raises:
            UserError: ``strong`` changes targets, as mixing rows does.
        """
        task = task_of(pl_module)
        if not _taught(task.model):
            self.weights, self.steps = {}, 0
            return
        assert isinstance(batch, SegmentBatch)
        if self.decay and not self.weights:
            self.weights = {name: value.detach().clone() for name, value in tensors(pl_module)}
        data = data_of(trainer)
        view = data.another_view(batch) if self.decay and data is not None else batch
        shares, there = self._ask(task, view)
        unlabelled = ~batch.labelled[task.model.target_name]
        asked = unlabelled if self.rows == "unlabelled" else torch.ones_like(unlabelled)
        sure = shares.amax(-1) >= self.threshold
        if self.strong is not None:
            changed = self.strong(batch)
            if any(changed.targets[name] is not t for name, t in batch.targets.items()):
                raise UserError(
                    "Teacher.strong must leave targets as they are: put Mixup into data.augment"
                )
            for name, x in changed.inputs.items():
                strong = unlabelled.view(-1, *[1] * (x.ndim - 1))
                batch.inputs[name] = torch.where(strong, x, batch.inputs[name].to(x.dtype))
            batch.present = {
                name: torch.where(unlabelled, mask, batch.present[name])
                for name, mask in changed.present.items()
            }
        batch.targets = {**batch.targets, "teacher": shares}
        batch.labelled = {**batch.labelled, "teacher": asked & there, "teacher/sure": sure}

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Move the teacher's weights towards the model's."""
        if not self.weights:
            return
        self.steps += 1
        decay = min(self.decay, 1 - 1 / (self.steps + 1))
        with torch.no_grad():
            for name, parameter in pl_module.named_parameters():
                self.weights[name].lerp_(parameter.detach(), 1 - decay)

    def state_dict(self) -> dict[str, Any]:
        """Return the teacher's weights and steps, and the stage that they are of."""
        return {"weights": self.weights, "steps": self.steps, "stage": self.stage}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        self.weights, self.steps = dict(state_dict["weights"]), int(state_dict["steps"])
        self.stage = str(state_dict["stage"])

    @torch.no_grad()
    def _ask(self, task: EmotionTask, batch: SegmentBatch) -> tuple[Tensor, Tensor]:
        """Return class probabilities (B, classes), and which rows have any modality."""
        device = task.device
        self.weights = {name: weight.to(device) for name, weight in self.weights.items()}
        modes = {module: module.training for module in task.modules()}
        task.eval()
        for module in task.modules() if self.decay else ():
            if isinstance(module, _BatchNorm):
                module.training = modes[module]  # frozen ones keep what they know
        try:
            bundle = functional_call(task, self.weights, (batch,)) if self.decay else task(batch)
        finally:
            for module, mode in modes.items():
                module.training = mode
        return task.model.decision.link(bundle.output), bundle.present["fused"]


def _taught(model: EmotionModel) -> bool:
    """Return whether an objective that counts reads the teacher's target."""
    return any(
        getattr(model.objective(name), "target", None) == "teacher" and weight != 0
        for name, weight in model.in_force.objectives.items()
    )
