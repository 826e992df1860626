"""Base of tasks: losses, training steps, optimizer and checkpoints."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, cast

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor

from emorec.encoders import Encoder, LabelEncoder
from emorec.errors import ModelError
from emorec.fusion import Fusion
from emorec.model import EmotionModel, InForce
from emorec.model.kept import kept_of, kept_targets
from emorec.model.standardise import Standardise
from emorec.objectives import Objective
from emorec.tasks.optimizers import OptimizerCallable, adam, groups_of
from emorec.tasks.scalars import mean_of_ranks, scale
from emorec.tasks.schedules import Planned, SchedulerCallable
from emorec.types import EmotionData, FeatureBundle, SegmentBatch, Sizes, Target


class EmotionTask(LightningModule):
    """Trains a model on a weighted sum of objectives.

    Args:
        encoders: Name -> encoder; by default its name is the modality that it reads.
        fusion: Makes the fusion from sizes.
        objectives: Name -> makes the objective from sizes.
        targets: Name -> target, or the result of its ``to_dict``; the command line links it from
            the data.
        target: Name of the predicted target; None: the first of the task's ``form``.
        label_encoder: Makes the label encoder from sizes; None if no objective needs it.
        optimizer: Makes the optimizer of a stage; Adam at 0.001 by default.
        scheduler: Makes the learning-rate scheduler of each stage without its own; stepped once
            per epoch.
        decay_norms: Whether weight decay also applies to biases and the scales of normalisation
            layers, as in torch by default.
        reads: Name of an encoder -> modality that it reads, if different from its name.

    Attributes:
        form: Class of the targets that the task predicts.
        model: The model.
        planned: The schedule of the current stage.
        validation_results: After validation: name of the scores -> decisions on clips (Votes), or
            position of a clip -> its trace (Traces), over all ranks.
        raw_results: After testing: the same on test clips.
        test_results: ``raw_results``, with post-processed fused results.
    """

    form: ClassVar[type[Target]]
    validation_results: Mapping[str, Any]
    raw_results: Mapping[str, Any]
    test_results: Mapping[str, Any]

    # Rows and loss of each validation batch.
    _validated: list[tuple[int, Tensor]]
    _observing = False  # whether objectives of whole epochs only collect batches
    _fitting = False  # whether validation runs for fitting after training

    def __init__(
        self,
        encoders: dict[str, Encoder],
        fusion: Callable[[Sizes], Fusion],
        objectives: dict[str, Callable[[Sizes], Objective]],
        targets: Mapping[str, Any],
        target: str | None = None,
        label_encoder: Callable[[Sizes], LabelEncoder] | None = None,
        optimizer: OptimizerCallable = adam,
        scheduler: SchedulerCallable | None = None,
        decay_norms: bool = True,
        reads: dict[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(logger=False)  # objects, if not made from a config
        known = {n: t if isinstance(t, Target) else Target.from_dict(t) for n, t in targets.items()}
        fitting = [name for name, each in known.items() if isinstance(each, self.form)]
        chosen = target or next(iter(fitting), None)
        if chosen is None or (chosen in known and chosen not in fitting):
            raise ModelError(
                f"{type(self).__name__} predicts {self.form.__name__.lower()}; "
                f"{chosen or 'the data'} has none (ClassificationTask predicts classes, "
                "RegressionTask values over time)"
            )
        self.model = EmotionModel(encoders, fusion, objectives, known, chosen, label_encoder, reads)
        self.make_optimizer, self.make_scheduler = optimizer, scheduler
        self.decay_norms = decay_norms
        self.planned = Planned(None, 1, "")
        # Frozen by the modules themselves: no stage trains them.
        self._fixed = {n for n, p in self.model.named_parameters() if not p.requires_grad}
        self.make_collections()

    @abstractmethod
    def make_collections(self) -> None:
        """Make the collectors of validation and test scores; called by the constructor."""

    @abstractmethod
    def fit_on_validation(self, validate: Callable[[], None]) -> None:
        """Fit the fusion, then the decision, on validation clips after training.

        Args:
            validate: Validates the model's current weights.
        """

    def forward(self, batch: SegmentBatch) -> FeatureBundle:
        """Return the model's features and output for a batch."""
        bundle: FeatureBundle = self.model(batch)
        return bundle

    def check(self) -> None:
        """Check weight files and the optimizer's options, before any data is read.

        Raises:
            UserError: Something in the config does not exist or does not fit.
        """
        for name in self.model.encoders:
            self.model.encoder(name).check_weights()
        try:
            self.make_optimizer([{"params": [torch.zeros(1, requires_grad=True)]}])
        except ValueError as error:
            raise ModelError(f"optimizer: {error}") from error

    def enter(self, in_force: InForce, planned: Planned | None = None) -> None:
        """Activate what a stage uses and trains.

        Frozen modules get no gradient (not a zero one: weight decay would still change them) and
        are in eval mode (else batch norm's running statistics would change).

        Args:
            in_force: What is active from now on.
            planned: The stage's schedule, at the start of the stage.
        """
        self.model.in_force = in_force
        self.planned = planned or self.planned
        for name in self.model.parameter_groups():
            module = self.model.get_submodule(name)
            module.requires_grad_(in_force.learns(name))
            module.train(in_force.learns(name))
        for parameter in self._fixed:
            self.model.get_parameter(parameter).requires_grad_(False)

    def weigh(self, weights: Mapping[str, float]) -> None:
        """Change the weights of active objectives."""
        current = self.model.in_force
        self.model.in_force = replace(current, objectives={**current.objectives, **weights})

    def on_validation_epoch_start(self) -> None:
        """Drop what an earlier validation collected."""
        self._validated = []
        for name in self.model.objectives:
            self.model.objective(name).forget()

    def setup(self, stage: str) -> None:
        """Check modalities and targets of the data; pass speakers and counts to objectives."""
        data = data_of(self.trainer)
        if data is None:
            return
        extracted = set(data.extractors)
        encoded = set(self.model.reads.values())
        if extracted and extracted != encoded:
            raise ModelError(
                f"the model encodes {', '.join(sorted(encoded))} but the data extracts "
                f"{', '.join(sorted(extracted))}; name the same modalities in model.encoders (or "
                "model.reads) and data.extractors"
            )
        targets = {name: target.to_dict() for name, target in data.targets.items()}
        if targets != kept_targets(self.model):
            raise ModelError(
                f"the model was made for the targets {kept_targets(self.model)}, the data's are "
                f"{targets}: give the task targets=data.targets"
            )
        # Also in a resumed run, as checkpoints do not store them. Testing computes no losses, and
        # its data may have no speakers.
        if stage in ("fit", "validate"):
            speakers, counts = data.speakers(), data.class_counts()
            for name in self.model.objectives:
                self.model.objective(name).set_speakers(speakers)
                self.model.objective(name).set_class_counts(counts)

    def on_fit_start(self) -> None:
        """Standardise with training statistics, unless a checkpoint has set them."""
        # Not in setup, where the trainer does not know yet whether it resumes.
        if self.trainer.ckpt_path is None:
            for name in self.model.encoders:
                self.model.encoder(name).load_initial_weights()
        named = self.model.standardise.items()
        modules = {name: m for name, m in named if isinstance(m, Standardise)}
        if all(bool(module.known) for module in modules.values()):
            return
        for name, (mean, deviation) in self.data.statistics().items():
            modules[name].set(mean, deviation)

    @property
    def data(self) -> EmotionData:
        """The data module.

        Raises:
            ModelError: The trainer has none.
        """
        data = data_of(self.trainer)
        if data is None:
            raise ModelError("training needs a data module; the trainer was given loaders only")
        return data

    def losses(
        self, bundle: FeatureBundle, batch: SegmentBatch
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the weighted sum of the objectives, and scalars to log, averaged over ranks.

        In validation, objectives of whole epochs only collect the batch.
        """
        total = bundle.output.new_zeros((), dtype=torch.float32)
        logged: dict[str, Tensor] = {}
        for name in self.model.objectives:
            weight = self.model.in_force.objectives.get(name, 0.0)
            if weight == 0:
                continue
            objective = self.model.objective(name)
            if self._observing and objective.of_epoch:
                objective.observe(bundle, batch)
                continue
            loss = objective(bundle, batch)
            total = total + weight * loss
            logged[f"loss/{name}"] = loss.detach()
            logged |= {f"{name}/{part}": value for part, value in objective.parts.items()}
        logged["loss"] = total.detach()
        for name in self.model.in_force.modalities:
            logged[f"scale/{name}"] = scale(bundle.features[name].detach(), bundle.present[name])
        return total, mean_of_ranks(logged)

    def on_after_batch_transfer(self, batch: SegmentBatch, dataloader_idx: int) -> SegmentBatch:
        """Augment training batches on the device."""
        data = data_of(self.trainer)
        if data is None or not self.trainer.training:
            return batch
        return data.augmented(batch, self.model.modalities)

    def loss_of(self, batch: SegmentBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a training batch, and scalars to log; see :meth:`losses`."""
        batch = batch if self.model.in_force.unlabelled else self._labelled(batch)
        return self.losses(self.model.with_label(self(batch), batch), batch)

    def training_step(self, batch: SegmentBatch, batch_idx: int) -> Tensor:
        """Return the loss of a batch; log it, its parts and the scale of the features."""
        loss, logged = self.loss_of(batch)
        # Values per step show what the correlation does to pre-trained features.
        self.log_dict(
            {f"train/{key}": value for key, value in logged.items()},
            on_step=True,
            on_epoch=True,
            batch_size=len(batch),
        )
        self.log("loss", logged["loss"], prog_bar=True, logger=False, batch_size=len(batch))
        return loss

    def validate_losses(self, bundle: FeatureBundle, batch: SegmentBatch) -> None:
        """Log the losses of a validation batch, except those of whole epochs."""
        self._observing = True
        try:
            _, logged = self.losses(bundle, batch)
        finally:
            self._observing = False
        self._validated.append((len(batch), logged.pop("loss")))
        self.log_dict({f"val/{k}": v for k, v in logged.items()}, batch_size=len(batch))

    def log_epoch_losses(self) -> None:
        """Log the losses of whole validation epochs, and the sum of all losses."""
        rows = sum(count for count, _ in self._validated)
        if not rows:
            return
        total = torch.stack([count * loss for count, loss in self._validated]).sum() / rows
        self._validated = []
        logged: dict[str, Tensor] = {}
        for name, weight in self.model.in_force.objectives.items():
            objective = self.model.objective(name)
            if weight == 0 or not objective.of_epoch:
                continue
            with self.trainer.precision_plugin.forward_context():
                loss = objective.observed()
            total = total + weight * loss
            logged[f"val/loss/{name}"] = loss
            logged |= {f"val/{name}/{part}": value for part, value in objective.parts.items()}
        self.log_dict({**mean_of_ranks(logged), "val/loss": total})

    def _labelled(self, batch: SegmentBatch) -> SegmentBatch:
        """Return the batch with all modalities absent in unlabelled rows."""
        labelled = batch.labelled[self.model.target_name]
        present = {name: mask & labelled for name, mask in batch.present.items()}
        return replace(batch, present=present)

    def configure_optimizers(self) -> Any:
        """Make a new optimizer whose parameter groups are named by top-level module."""
        optimizer = self.make_optimizer(groups_of(self.model, decay_norms=self.decay_norms))
        scheduler = self.planned.config(optimizer, self.make_scheduler)
        if scheduler is None:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": scheduler}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store what prediction needs without a trainer; see ``emorec.predict.checkpoint``."""
        checkpoint["emorec"] = kept_of(self.model, data_of(self.trainer))

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore which objectives and modalities are in force.

        Raises:
            ModelError: The checkpoint has other targets.
        """
        kept = checkpoint.get("emorec", {})
        own = kept_targets(self.model)
        targets = kept.get("targets", own)
        if targets != own:
            raise ModelError(
                f"the checkpoint's targets are {targets}, the data's are {own}; use the data set "
                "it was trained on, or one with the same classes in the same order"
            )
        if "in_force" in kept:
            self.model.in_force = InForce(**kept["in_force"])


def task_of(module: LightningModule) -> EmotionTask:
    """Return a LightningModule as a task.

    Raises:
        ModelError: It is not a task.
    """
    if not isinstance(module, EmotionTask):
        raise ModelError(f"expected an emorec.tasks.EmotionTask, got {type(module).__name__}")
    return module


def data_of(trainer: Trainer) -> EmotionData | None:
    """Return the data module of a trainer; None if it was given loaders only."""
    return cast("EmotionData | None", getattr(trainer, "datamodule", None))
