"""A teacher for unlabelled clips, whose predictions become a target of the batch."""

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
    """Adds the target ``teacher`` to training batches: class probabilities from a teacher.

    The objective :class:`~emorec.objectives.Consistency` reads it. Two published methods:

    - mean teacher (Tarvainen and Valpola 2017, https://arxiv.org/abs/1703.01780): ``decay: 0.99``,
      Consistency with ``kind: mse``; the teacher's weights are a running mean of the model's. It
      gets its own view of the batch, an independent augmentation by ``data.augment`` (unless that
      mixes rows), and has its own batch-norm statistics: those of its view of the batch, with
      separate running means. Dropout is off in the teacher (ours).
    - FixMatch (Sohn et al. 2020, https://arxiv.org/abs/2001.07685): ``decay: 0``, ``threshold:
      0.95``, ``strong`` augmentations, Consistency with ``kind: hard``; the model in eval mode
      predicts the target from a weakly augmented view (that of ``data.augment``) for a strongly
      augmented one. Labelled rows stay weakly augmented.

    It is inactive in stages without such an objective, and starts from the model's weights in each
    stage with one.

    Args:
        decay: Decay of the running mean of weights, 0 to below 1; 0 is the model itself. In the
            first steps it is smaller: at most 1 - 1 / (step + 1).
        threshold: The teacher is confident where its largest probability is at least this.
        rows: Rows that learn from the teacher: ``unlabelled``, or ``all``.
        strong: Augmentation of unlabelled rows after the teacher has seen them.
        evaluate: Validate, save and so test the teacher in place of the model, as Tarvainen and
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
            raise UserError(
                f"decay must be 0 to below 1 and threshold 0 to 1; got {decay}, {threshold}"
            )
        if evaluate and not decay:
            raise UserError(
                "Teacher.evaluate needs a decay: without one the model is its own teacher"
            )
        self.decay, self.threshold, self.rows, self.strong = decay, threshold, rows, strong
        super().__init__()
        self.evaluated = evaluate
        self.steps = 0
        self.stage = ""

    @property
    def changes_inputs(self) -> bool:
        """Whether batches are changed, so that the model must not remember what it made of them."""
        return self.strong is not None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Drop the running mean at the start of a stage."""
        stage = stage_of(trainer)
        if stage != self.stage:
            self.weights, self.steps, self.stage = {}, 0, stage

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Add the target, then apply ``strong``.

        Raises:
            UserError: ``strong`` changes targets, as mixing rows does.
        """
        task = task_of(pl_module)
        if not _uses_teacher(task.model):
            self.weights, self.steps = {}, 0
            return
        assert isinstance(batch, SegmentBatch)
        if self.decay and not self.weights:
            self.weights = {name: value.detach().clone() for name, value in tensors(pl_module)}
        data = data_of(trainer)
        view = data.another_view(batch) if self.decay and data is not None else batch
        posteriors, present = self._predict(task, view)
        unlabelled = ~batch.labelled[task.model.target_name]
        taught = unlabelled if self.rows == "unlabelled" else torch.ones_like(unlabelled)
        sure = posteriors.amax(-1) >= self.threshold
        if self.strong is not None:
            changed = self.strong(batch)
            if any(changed.targets[name] is not t for name, t in batch.targets.items()):
                raise UserError(
                    "Teacher.strong must not change targets: put Mixup into data.augment"
                )
            for name, x in changed.inputs.items():
                mask = unlabelled.view(-1, *[1] * (x.ndim - 1))
                batch.inputs[name] = torch.where(mask, x, batch.inputs[name].to(x.dtype))
            batch.present = {
                name: torch.where(unlabelled, mask, batch.present[name])
                for name, mask in changed.present.items()
            }
        batch.targets = {**batch.targets, "teacher": posteriors}
        batch.labelled = {**batch.labelled, "teacher": taught & present, "teacher/sure": sure}

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Update the teacher's weights."""
        if not self.weights:
            return
        self.steps += 1
        decay = min(self.decay, 1 - 1 / (self.steps + 1))
        with torch.no_grad():
            for name, parameter in pl_module.named_parameters():
                self.weights[name].lerp_(parameter.detach(), 1 - decay)

    def state_dict(self) -> dict[str, Any]:
        """Return the teacher's weights and steps, and their stage."""
        return {"weights": self.weights, "steps": self.steps, "stage": self.stage}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self.weights, self.steps = dict(state_dict["weights"]), int(state_dict["steps"])
        self.stage = str(state_dict["stage"])

    @torch.no_grad()
    def _predict(self, task: EmotionTask, batch: SegmentBatch) -> tuple[Tensor, Tensor]:
        """Return class probabilities (B, classes), and whether rows have any modality, (B,)."""
        device = task.device
        self.weights = {name: weight.to(device) for name, weight in self.weights.items()}
        modes = {module: module.training for module in task.modules()}
        task.eval()
        for module in task.modules() if self.decay else ():
            if isinstance(module, _BatchNorm):
                module.training = modes[module]  # frozen ones keep their statistics
        try:
            bundle = functional_call(task, self.weights, (batch,)) if self.decay else task(batch)
        finally:
            for module, mode in modes.items():
                module.training = mode
        return task.model.decision.link(bundle.output), bundle.present["fused"]


def _uses_teacher(model: EmotionModel) -> bool:
    """Return whether an active objective reads the teacher's target."""
    return any(
        getattr(model.objective(name), "target", None) == "teacher" and weight != 0
        for name, weight in model.in_force.objectives.items()
    )
