"""How the model is trained on batches: losses, steps, optimizer, what a checkpoint keeps."""

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
        targets: Name -> target, or what its ``to_dict`` returns; linked from the data by the
            command line.
        target: The target that the output predicts; the first of the kind of the class where None.
        label_encoder: Makes the label encoder from sizes; None where no objective needs it.
        optimizer: Makes the optimizer of a stage; Adam at 0.001 by default.
        scheduler: Makes the learning-rate scheduler of each stage that has none of its own;
            stepped once an epoch.
        decay_norms: Whether the optimizer's weight decay also draws biases and the scales of
            normalisation layers towards zero, as torch does where nothing is said.
        reads: Name of an encoder -> the modality that it reads, where that is not its own name.

    Attributes:
        form: Of the targets that the class predicts.
        model: The model.
        planned: The schedule of the stage that was entered.
        validation_results: After validation: name of the scores -> decisions on clips (Votes), or
            position of a clip -> its trace (Traces), of all ranks.
        raw_results: After testing: the same on test clips.
        test_results: ``raw_results``, the fused ones after the decision's post-processing.
    """

    form: ClassVar[type[Target]]
    validation_results: Mapping[str, Any]
    raw_results: Mapping[str, Any]
    test_results: Mapping[str, Any]

    # Rows and loss of each batch of a validation.
    _validated: list[tuple[int, Tensor]]
    _observing = False  # whether losses of whole epochs only take note of batches
    _fitting = False  # whether validation is for what is fitted on it after training

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
        self.save_hyperparameters(logger=False)  # objects, where it is not made by a config
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
        # What their modules froze for good: no stage trains it.
        self._fixed = {n for n, p in self.model.named_parameters() if not p.requires_grad}
        self.make_collections()

    @abstractmethod
    def make_collections(self) -> None:
        """Make what collects the scores of validation and testing; called by the constructor."""

    @abstractmethod
    def fit_on_validation(self, validate: Callable[[], None]) -> None:
        """Fit after training what is fitted on validation clips: in the fusion, then the decision.

        Args:
            validate: Validates the weights that are in the model.
        """

    def forward(self, batch: SegmentBatch) -> FeatureBundle:
        """Return what the model computes of a batch."""
        bundle: FeatureBundle = self.model(batch)
        return bundle

    def check(self) -> None:
        """Look for weight files and make an optimizer, before any data is read.

        Raises:
            UserError: Something named in the config does not exist or does not fit.
        """
        for name in self.model.encoders:
            self.model.encoder(name).check_weights()
        try:
            self.make_optimizer([{"params": [torch.zeros(1, requires_grad=True)]}])
        except ValueError as error:
            raise ModelError(f"optimizer: {error}") from error

    def enter(self, in_force: InForce, planned: Planned | None = None) -> None:
        """Put in force what a stage hands over.

        Modules that do not learn get no gradient (not a zero one: weight decay would still move
        them) and are in eval mode (else batch norm's running statistics would move).

        Args:
            in_force: What counts from now on.
            planned: The stage's schedule, where the stage begins.
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
        """Change the weights of objectives that are in force."""
        now = self.model.in_force
        self.model.in_force = replace(now, objectives={**now.objectives, **weights})

    def on_validation_epoch_start(self) -> None:
        """Forget what an earlier validation kept."""
        self._validated = []
        for name in self.model.objectives:
            self.model.objective(name).forget()

    def setup(self, stage: str) -> None:
        """Check that the data has the encoders' modalities; tell objectives of clips."""
        data = data_of(self.trainer)
        if data is None:
            return
        found = set(data.extractors)
        read = set(self.model.reads.values())
        if found and found != read:
            raise ModelError(
                f"the model encodes {', '.join(sorted(read))} but the data extracts "
                f"{', '.join(sorted(found))}; name the same modalities in model.encoders (or "
                "model.reads) and data.extractors"
            )
        theirs = {name: target.to_dict() for name, target in data.targets.items()}
        if theirs != kept_targets(self.model):
            raise ModelError(
                f"the model was made for the targets {kept_targets(self.model)}, the data's are "
                f"{theirs}: give the task targets=data.targets"
            )
        # Also when a run is resumed: checkpoints do not keep it. Testing evaluates no losses, and
        # its data may have no speakers.
        if stage in ("fit", "validate"):
            speakers, counts = data.speakers(), data.class_counts()
            for name in self.model.objectives:
                self.model.objective(name).set_speakers(speakers)
                self.model.objective(name).set_class_counts(counts)

    def on_fit_start(self) -> None:
        """Standardise with training clips' statistics, unless a checkpoint brought its own."""
        # Not in setup: there the trainer does not know yet whether it resumes.
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
        found = data_of(self.trainer)
        if found is None:
            raise ModelError("training needs a data module; the trainer was given loaders alone")
        return found

    def losses(
        self, bundle: FeatureBundle, batch: SegmentBatch
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the weighted sum of the objectives, and the scalars of all ranks to log.

        In validation, those of whole epochs take note of the batch and are left out.
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

    def training_step(self, batch: SegmentBatch, batch_idx: int) -> Tensor:
        """Return the loss of a batch; log it, its parts and the scale of the features."""
        batch = batch if self.model.in_force.unlabelled else self._labelled(batch)
        bundle = self.model.with_label(self(batch), batch)
        loss, logged = self.losses(bundle, batch)
        # Each step's values show what the correlation does to pre-trained features.
        self.log_dict(
            {f"train/{key}": value for key, value in logged.items()},
            on_step=True,
            on_epoch=True,
            batch_size=len(batch),
        )
        self.log("loss", logged["loss"], prog_bar=True, logger=False, batch_size=len(batch))
        return loss

    def validate_losses(self, bundle: FeatureBundle, batch: SegmentBatch) -> None:
        """Log the losses of a validation batch, but those of whole epochs."""
        self._observing = True
        try:
            _, logged = self.losses(bundle, batch)
        finally:
            self._observing = False
        self._validated.append((len(batch), logged.pop("loss")))
        self.log_dict({f"val/{k}": v for k, v in logged.items()}, batch_size=len(batch))

    def log_epoch_losses(self) -> None:
        """Log the losses that are of a whole validation epoch, and the sum of all."""
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
        """Return the batch with nothing to be seen in rows without a label."""
        labelled = batch.labelled[self.model.target_name]
        present = {name: mask & labelled for name, mask in batch.present.items()}
        return replace(batch, present=present)

    def configure_optimizers(self) -> Any:
        """Make a fresh optimizer whose parameter groups are named by top-level module."""
        optimizer = self.make_optimizer(groups_of(self.model, decay_norms=self.decay_norms))
        scheduler = self.planned.config(optimizer, self.make_scheduler)
        if scheduler is None:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": scheduler}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what predicts without the trainer: see ``emorec.predict.checkpoint``."""
        checkpoint["emorec"] = kept_of(self.model, data_of(self.trainer))

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take over which objectives and modalities are in force.

        Raises:
            ModelError: The checkpoint has other classes.
        """
        kept = checkpoint.get("emorec", {})
        own = kept_targets(self.model)
        targets = kept.get("targets", own)
        if targets != own:
            raise ModelError(
                f"the checkpoint's targets are {targets}, the data's are {own}; use the data set "
                "that it was trained on, or one with the same classes in the same order"
            )
        if "in_force" in kept:
            self.model.in_force = InForce(**kept["in_force"])


def task_of(module: LightningModule) -> EmotionTask:
    """Return a module of Lightning as the task that it is.

    Raises:
        ModelError: It is none.
    """
    if not isinstance(module, EmotionTask):
        raise ModelError(f"expected an emorec.tasks.EmotionTask, got {type(module).__name__}")
    return module


def data_of(trainer: Trainer) -> EmotionData | None:
    """Return the data module that a trainer works on; None where it was given loaders alone."""
    return cast("EmotionData | None", getattr(trainer, "datamodule", None))
