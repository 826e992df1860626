"""Training of a multimodal conditional GAN, judged by what a classifier learns from its samples."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from lightning.pytorch import Callback
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from typing_extensions import override

from emorec.errors import ModelError, UserError
from emorec.functional import common_information, critic_losses, diff_augment, generator_losses
from emorec.model.standardise import Standardise
from emorec.networks.generators import Critic, Generator
from emorec.objectives.base import mean_over_rows
from emorec.tasks.adversarial import LIMIT, Adversarial, as_input
from emorec.tasks.base import data_of
from emorec.tasks.classification import ClassificationTask
from emorec.tasks.scalars import mean_of_ranks
from emorec.types import SegmentBatch


class GenerationTask(ClassificationTask):
    r"""Trains a generator and a critic of each modality, and a classifier on their samples alone.

    After the multimodal conditional GAN of Ma, Li, Ni, Huang, Zhang 2022 (Applied Sciences
    12(1):527), of which only the abstract could be read: the class is shared by all generators, and
    soft-HGR models what the generated modalities have in common. The losses, with z ~ N(0, I)
    shared by the generators (ours), S of features of unit variance:

    - critics: sum over m of E max(0, 1 - D_m(x_m, c)) + E max(0, 1 + D_m(G_m(z, c), c));
    - generators: sum over m of -E D_m(G_m(z, c), c) - mu S(h_a, h_v) + nu CE(q, c), with a trained
      model's q if nu is not 0.

    Each step trains the critics once, the generators once, and then the model, with its objectives,
    on samples of the generators' running mean. Validation and test are those of a classifier, on
    real clips: ``val/fused/uar`` is what can be learned from generated segments alone, and chooses
    the epoch. The checkpoint predicts like any other, and ``emorec generate`` makes segments of it.

    Logged in training: ``gan/critic``, ``gan/generator``, ``gan/s`` and ``gan/s_real``, soft-HGR of
    generated and of real pairs on the critics' features.

    Args:
        shapes: Name of an encoder -> shape of what is generated for it, (values,) or (channels,
            height, width); smaller pictures than its input are enlarged.
        adversarial: Options of the GAN.
        options: As of :class:`EmotionTask`. The optimizer is the classifier's.

    Raises:
        UserError: ``shapes`` names other modalities than the encoders, or the data has several
            targets.
    """

    def __init__(
        self, shapes: dict[str, list[int]], adversarial: Adversarial | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.automatic_optimization = False
        self.clip: float | None = None
        self.gan = adversarial or Adversarial()
        if sorted(shapes) != sorted(self.model.encoders):
            raise UserError(
                f"shapes is for {', '.join(sorted(shapes)) or 'nothing'}, the encoders are "
                f"{', '.join(self.model.encoders)}: give each the shape of what is generated"
            )
        if len(self.model.targets) > 1:
            raise ModelError(
                f"GenerationTask makes samples of one target; the data has "
                f"{', '.join(self.model.targets)}"
            )
        if not 0 <= self.gan.decay < 1:
            raise UserError(f"adversarial.decay must be 0 to below 1, got {self.gan.decay:g}")
        self.classes = len(self.model.target)
        self.shapes = {name: tuple(shapes[name]) for name in sorted(shapes)}
        made = {
            name: Generator(shape, self.classes, self.gan.noise, self.gan.width)
            for name, shape in self.shapes.items()
        }
        self.generators = nn.ModuleDict(made)
        self.averaged = nn.ModuleDict(deepcopy(made)).requires_grad_(False)
        self.critics = nn.ModuleDict(
            {
                name: Critic(shape, self.classes, self.gan.width, self.gan.features)
                for name, shape in self.shapes.items()
            }
        )
        self.names = list(self.shapes)
        if self.gan.on == "frozen" and len({self.model.encoder(n).dim for n in shapes}) > 1:
            raise UserError("adversarial.on: frozen compares encoders: give all the same dim")
        judged = self.gan.on == "frozen" or self.gan.auxiliary > 0
        self.judge = deepcopy(self.model).requires_grad_(False) if judged else None
        self.judge_known: Tensor  # whether it has the weights of a trained model
        self.register_buffer("judge_known", torch.tensor(False))
        self.input_shapes = dict(self.shapes)  # of the encoders' inputs; the data's, once known
        self.steps: Tensor
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    @override
    def configure_callbacks(self) -> list[Callback]:
        """Take over the trainer's gradient clipping, which it refuses to do for several optimizers.

        It is the classifier's.

        Raises:
            ModelError: The trainer accumulates gradients, or has a precision that scales them.
        """
        if self.trainer.accumulate_grad_batches != 1:
            raise ModelError(
                "GenerationTask takes a step each batch: leave trainer.accumulate_grad_batches at "
                "1, and set a larger data.batch_size"
            )
        if str(self.trainer.precision).startswith("16"):
            raise ModelError(
                f"trainer.precision {self.trainer.precision} scales gradients, which "
                "GenerationTask was not made for: use bf16-mixed or 32-true"
            )
        self.clip = self.trainer.gradient_clip_val or self.clip
        self.trainer.gradient_clip_val = None
        return []

    @override
    def setup(self, stage: str) -> None:
        """Check the shapes against those of the data.

        Raises:
            ModelError: A modality cannot be made of what is generated for it.
        """
        super().setup(stage)
        data = data_of(self.trainer)
        if data is None or not data.extractors:
            return
        for name, shape in self.shapes.items():
            given = tuple(data.extractors[self.model.reads[name]].shape)
            if len(given) != len(shape) or given[0] != shape[0]:
                raise ModelError(
                    f"shapes.{name} is {list(shape)}, but the data's {self.model.reads[name]} is "
                    f"{list(given)}: only height and width of pictures may differ"
                )
            self.input_shapes[name] = given

    @override
    def configure_optimizers(self) -> Any:
        """Make the optimizers of critics, generators and classifier.

        Raises:
            ModelError: A schedule is set, which is not stepped here.
        """
        own = super().configure_optimizers()
        if isinstance(own, dict):
            raise ModelError("GenerationTask trains at constant rates: remove the scheduler")
        betas = (0.5, 0.999)
        return [
            torch.optim.Adam(self.critics.parameters(), self.gan.rate, betas),
            torch.optim.Adam(self.generators.parameters(), self.gan.rate, betas),
            own,
        ]

    @override
    def on_fit_start(self) -> None:
        """Check that a trained model judges, where one is wanted.

        Raises:
            ModelError: It has no weights.
        """
        super().on_fit_start()
        if self.judge is not None and not bool(self.judge_known):
            raise ModelError(
                "adversarial.on: frozen and adversarial.auxiliary need a trained model of the same "
                "encoders and fusion: add the callback TrainedJudge with its checkpoint"
            )

    @override
    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store also which clips the generators have seen, by their content."""
        super().on_save_checkpoint(checkpoint)
        data = data_of(self.trainer)
        checkpoint["emorec"]["contents"] = [] if data is None else data.contents("train")

    @override
    def training_step(self, batch: SegmentBatch, batch_idx: int) -> None:  # type: ignore[override]
        """Train the critics, the generators, and the classifier, once each."""
        optimizers: Any = self.optimizers()
        real = {name: self.real(name, batch) for name in self.names}
        label, z = self.drawn(len(batch))
        with torch.no_grad():
            made = {name: self._generator(name)(z, label) for name in self.names}
        loss, logged = self.critic_loss(batch, real, made, label)
        self._step(optimizers[0], loss)
        self.critics.requires_grad_(False)
        loss, more = self.generator_loss(z, label)
        self._step(optimizers[1], loss)
        self.critics.requires_grad_(True)
        self._average()
        shown = self.samples(*self.drawn(len(batch)))
        batch = self.as_batch(shown[0], shown[1])
        self.model.memo, kept = None, self.model.memo  # they are no clips' windows
        loss, others = self.losses(self.model.with_label(self(batch), batch), batch)
        self.model.memo = kept
        self._step(optimizers[2], loss, self.clip)
        found = {f"train/{name}": value for name, value in others.items()}
        found |= {f"gan/{n}": v for n, v in mean_of_ranks({**logged, **more}).items()}
        self.log_dict(found, on_step=True, on_epoch=True, batch_size=len(batch))

    def critic_loss(
        self,
        batch: SegmentBatch,
        real: Mapping[str, Tensor],
        made: Mapping[str, Tensor],
        label: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the critics' loss, and scalars to log.

        Args:
            batch: Real segments; a row counts for a modality if it is labelled and has it.
            real: Modality -> (B, *shape), what :meth:`real` returns.
            made: Modality -> (B, *shape), generated, without gradient.
            label: int64 (B,), the classes of ``made``.
        """
        target = batch.targets[self.model.target_name]
        labelled = batch.labelled[self.model.target_name]
        if target.is_floating_point():  # of mixed rows no class is known
            share, target = target.max(-1)
            labelled = labelled & torch.isclose(share, torch.ones_like(share))
        total, features, masks = torch.zeros((), device=label.device), {}, {}
        every = torch.ones_like(label, dtype=torch.bool)
        for name in self.names:
            masks[name] = labelled & batch.present[self.model.reads[name]]
            score, features[name] = self._judged(name, real[name], target)
            total = total + mean_over_rows(self._of_critic(score, real=True), masks[name])
            score, _ = self._judged(name, made[name], label)
            total = total + mean_over_rows(self._of_critic(score, real=False), every)
        rows = torch.stack(list(masks.values())).all(0)
        s = common_information(features, rows)
        if self.gan.real_pairs:
            total = total - self.gan.weight * s
        return total, {"critic": total.detach(), "s_real": s.detach()}

    def generator_loss(self, z: Tensor, label: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the generators' loss of noise (B, noise) and classes (B,), and scalars to log."""
        total, features, hidden, made = torch.zeros((), device=z.device), {}, {}, {}
        every = torch.ones_like(label, dtype=torch.bool)
        for name in self.names:
            generator = self._generator(name)
            inner = generator.hidden(z, label)
            made[name] = generator.shown(inner)
            score, features[name] = self._judged(name, made[name], label)
            hidden[name] = inner.mean((2, 3)) if inner.ndim == 4 else inner
            own = generator_losses(score.float(), form=self.gan.form)
            total = total + mean_over_rows(own, every)
        s = common_information(features, every)
        logged, compared = {"s": s.detach()}, {"critic": s}
        if self.judge is not None:
            seen = self.judge.eval()(self.as_batch(made, label))
            features = {name: seen.features[name] for name in self.names}
            if self.gan.on == "frozen":
                compared["frozen"] = common_information(features, every)
            wrong = cross_entropy(seen.output.float(), label, reduction="none")
            wrong = mean_over_rows(wrong, every)
            total, logged["auxiliary"] = total + self.gan.auxiliary * wrong, wrong.detach()
        if self.gan.on == "generator":
            compared["generator"] = common_information(hidden, every)
        if self.gan.weight:
            total = total - self.gan.weight * compared[self.gan.on]
        return total, {"generator": total.detach(), **logged}

    def drawn(self, count: int) -> tuple[Tensor, Tensor]:
        """Return classes int64 (count,), all as often as each other, and noise (count, noise)."""
        first = torch.randint(self.classes, (1,), device=self.device)
        label = (torch.arange(count, device=self.device) + first) % self.classes
        return label, torch.randn(count, self.gan.noise, device=self.device)

    @torch.no_grad()
    def samples(self, label: Tensor, z: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Return modality -> samples (B, *shape) of the running mean, and their classes (B,)."""
        return {name: self.averaged_of(name)(z, label).float() for name in self.names}, label

    def averaged_of(self, name: str) -> Generator:
        """Return the running mean of a generator, in evaluation mode."""
        generator = self.averaged[name]
        assert isinstance(generator, Generator)
        return generator.eval()

    def real(self, name: str, batch: SegmentBatch) -> Tensor:
        """Return what an encoder reads, (B, *shape), as its generator should make it."""
        x = self.model.read(name, batch).float()
        if len(self.shapes[name]) == 1:
            return x
        if x.shape[2:] != self.shapes[name][1:]:
            size = list(self.shapes[name][1:])
            x = nn.functional.interpolate(x, size, mode="bilinear", antialias=True)
        return (x / LIMIT).clamp(-1, 1)

    def as_batch(self, made: Mapping[str, Tensor], label: Tensor) -> SegmentBatch:
        """Return samples as a labelled batch of which every row has every modality."""
        every = torch.ones_like(label, dtype=torch.bool)
        target = self.model.target_name
        return SegmentBatch(
            {
                self.model.reads[n]: as_input(x, self.standardise_of(n), self.input_shapes[n])
                for n, x in made.items()
            },
            {self.model.reads[name]: every for name in made},
            {target: label},
            {target: every},
            torch.full_like(label, -1),
            torch.full_like(label, -1),
        )

    def _judged(self, name: str, x: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        critic: Any = self.critics[name]
        score, h = critic(diff_augment(x) if self.gan.augment else x, label)
        return score, h

    def standardise_of(self, name: str) -> Standardise:
        """Return what standardises an encoder's input."""
        found = self.model.standardise[self.model.reads[name]]
        assert isinstance(found, Standardise)
        return found

    def _of_critic(self, score: Tensor, *, real: bool) -> Tensor:
        return critic_losses(score.float(), real=real, form=self.gan.form)

    def _generator(self, name: str) -> Generator:
        generator = self.generators[name]
        assert isinstance(generator, Generator)
        return generator

    def _step(self, optimizer: Any, loss: Tensor, clip: float | None = None) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        if clip:
            self.clip_gradients(optimizer, clip, self.trainer.gradient_clip_algorithm or "norm")
        optimizer.step()

    @torch.no_grad()
    def _average(self) -> None:
        """Update the running mean of the generators; statistics of batch norm are copied."""
        self.steps += 1
        decay = torch.minimum(
            (1 + self.steps) / (10 + self.steps),
            self.steps.new_tensor(self.gan.decay, dtype=torch.float32),
        )
        for mean, own in zip(self.averaged.parameters(), self.generators.parameters(), strict=True):
            mean.lerp_(own.to(mean.dtype), 1 - decay)
        for kept, now in zip(self.averaged.buffers(), self.generators.buffers(), strict=True):
            kept.copy_(now)
