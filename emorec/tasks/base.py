"""How the model is trained on batches: losses, steps, optimizer, what a checkpoint keeps."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from emorec.functional import sum_over_ranks, world_size
from emorec.tasks.model import EmotionModel, TaskError
from emorec.tasks.standardise import Standardise
from emorec.types import FeatureBundle, SegmentBatch


class EmotionTask(EmotionModel):
    """A model that is trained on a weighted sum of objectives.

    Arguments and attributes: see :class:`~emorec.tasks.model.EmotionModel`.
    """

    # Rows and loss of each batch of a validation.
    _validated: list[tuple[int, Tensor]]
    _observing = False  # whether losses of whole epochs only take note of batches
    calibrating = False  # whether validation is for what is fitted on it after training

    @property
    def measures(self) -> tuple[str, ...]:
        """What is logged of each kind of scores after validation, as ``val/NAME/MEASURE``."""
        return ()

    def calibrate(self) -> None:
        """Fit on the last validation what is done to results; nothing unless overridden."""

    def on_validation_epoch_start(self) -> None:
        """Forget what an earlier validation kept."""
        self._validated = []
        for name in self.objectives:
            self.objective(name).forget()

    def setup(self, stage: str) -> None:
        """Check that the data has the encoders' modalities; tell objectives of clips."""
        data: Any = getattr(self.trainer, "datamodule", None)
        found = set(getattr(data, "extractors", {}))
        if found and found != set(self.encoders):
            raise TaskError(
                f"the model encodes {', '.join(sorted(self.encoders))} but the data extracts "
                f"{', '.join(sorted(found))}; name the same modalities in model.encoders and "
                "data.extractors"
            )
        self.configure_model()
        # Also when a run is resumed: checkpoints do not keep it. Testing evaluates no losses, and
        # its data may have no speakers.
        if data is not None and stage in ("fit", "validate"):
            speakers, counts = data.speakers(), data.class_counts()
            for name in self.objectives:
                self.objective(name).set_speakers(speakers)
                self.objective(name).set_class_counts(counts)

    def on_fit_start(self) -> None:
        """Standardise with training clips' statistics, unless a checkpoint brought its own."""
        # Not in setup: there the trainer does not know yet whether it resumes.
        if self.trainer.ckpt_path is None:
            for name in self.encoders:
                self.encoder(name).load_initial_weights()
        modules = {name: m for name, m in self.standardise.items() if isinstance(m, Standardise)}
        if all(bool(module.known) for module in modules.values()):
            return
        data: Any = getattr(self.trainer, "datamodule", None)
        for name, (mean, deviation) in data.statistics().items():
            modules[name].set(mean, deviation)

    def losses(
        self, bundle: FeatureBundle, batch: SegmentBatch
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the weighted sum of the active objectives, and the scalars of all ranks to log.

        In validation, those of whole epochs take note of the batch and are left out.
        """
        total = bundle.output.new_zeros((), dtype=torch.float32)
        logged: dict[str, Tensor] = {}
        for name in self.objectives:
            weight = self.active.get(name, 0.0)
            if weight == 0:
                continue
            objective = self.objective(name)
            if self._observing and objective.of_epoch:
                objective.observe(bundle, batch)
                continue
            loss = objective(bundle, batch)
            total = total + weight * loss
            logged[f"loss/{name}"] = loss.detach()
            logged |= {f"{name}/{part}": value for part, value in objective.parts.items()}
        logged["loss"] = total.detach()
        for name in self.shown:
            logged[f"scale/{name}"] = _scale(bundle.features[name].detach(), bundle.present[name])
        return total, _mean_of_ranks(logged)

    def check(self) -> None:
        """Make the optimizer as well; see the base class."""
        super().check()
        try:
            self.make_optimizer([{"params": [torch.zeros(1, requires_grad=True)]}])
        except ValueError as error:
            raise TaskError(f"optimizer: {error}") from error

    def training_step(self, batch: SegmentBatch, batch_idx: int) -> Tensor:
        """Return the loss of a batch; log it, its parts and the scale of the features."""
        batch = batch if self.unlabelled else self._labelled(batch)
        bundle = self.with_label(self(batch), batch)
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
        for name, weight in self.active.items():
            objective = self.objective(name)
            if weight == 0 or not objective.of_epoch:
                continue
            with self.trainer.precision_plugin.forward_context():
                loss = objective.observed()
            total = total + weight * loss
            logged[f"val/loss/{name}"] = loss
            logged |= {f"val/{name}/{part}": value for part, value in objective.parts.items()}
        self.log_dict({**_mean_of_ranks(logged), "val/loss": total})

    def _labelled(self, batch: SegmentBatch) -> SegmentBatch:
        """Return the batch with nothing to be seen in rows without a label."""
        labelled = batch.labelled[self.target]
        present = {name: mask & labelled for name, mask in batch.present.items()}
        return replace(batch, present=present)

    def configure_optimizers(self) -> Any:
        """Make a fresh optimizer whose parameter groups are named by top-level module."""
        groups = []
        plain = set() if self.decay_norms else self._without_decay()
        for name, parameters in self.parameter_groups().items():
            group: dict[str, Any] = {"params": parameters, "name": name}
            rates = {k: v for k, v in self.learning_rates.items() if f"{name}.".startswith(f"{k}.")}
            if rates:
                group["lr"] = rates[max(rates, key=len)]
            free = [p for p in parameters if id(p) in plain]
            if free:
                group["params"] = [p for p in parameters if id(p) not in plain]
                more = {**group, "params": free, "name": f"{name} (no decay)", "weight_decay": 0.0}
                groups += [each for each in (group, more) if each["params"]]
            else:
                groups.append(group)
        optimizer = self.make_optimizer(groups)
        scheduler = self.planned.config(optimizer, self.make_scheduler)
        if scheduler is None:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": scheduler}

    def _without_decay(self) -> set[int]:
        """Return the ids of biases, of the scales of normalisation layers and of other vectors."""
        # With them go other vectors that are learned, such as weights of a mean of layers.
        return {id(p) for p in self.parameters() if p.ndim <= 1}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep which objectives and modalities the weights are meant for."""
        checkpoint["emorec"] = {
            "active": dict(self.active),
            "shown": list(self.shown),
            "targets": self.targets,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take over what :meth:`on_save_checkpoint` kept.

        Raises:
            TaskError: The checkpoint has other classes.
        """
        kept = checkpoint.get("emorec", {})
        targets = kept.get("targets", self.targets)
        if targets != self.targets:
            raise TaskError(
                f"the checkpoint's classes are {targets}, the data's are {self.targets}; use the "
                "data set that it was trained on, or one with the same classes in the same order"
            )
        self.active = dict(kept.get("active", self.active))
        self.shown = list(kept.get("shown", self.shown))
        self.configure_model()


def _mean_of_ranks(values: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the mean over ranks of each scalar, in one exchange."""
    if world_size() == 1 or not values:
        return values
    means = sum_over_ranks(torch.stack([v.float() for v in values.values()])) / world_size()
    return dict(zip(values, means, strict=True))


def _scale(features: Tensor, rows: Tensor) -> Tensor:
    """Root mean square of the features around their mean over the valid rows of this rank."""
    flat = features.float().flatten(1)
    mask = rows.unsqueeze(1)
    count = rows.sum().clamp(min=1)
    mean = flat.masked_fill(~mask, 0).sum(0) / count
    squares = (flat - mean).masked_fill(~mask, 0).square().sum() / (count * flat.shape[1])
    return squares.sqrt()
