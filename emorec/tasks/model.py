"""The model: encoders, fusion, objectives and label encoder, and what it computes of a batch."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import replace
from typing import Any, Self, cast

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from emorec.encoders import Encoder, LabelEncoder
from emorec.errors import UserError
from emorec.functional import sum_over_ranks
from emorec.fusion import Fusion
from emorec.objectives import Objective
from emorec.tasks.schedules import Planned, SchedulerCallable
from emorec.tasks.standardise import Standardise
from emorec.types import FeatureBundle, SegmentBatch, Sizes

OptimizerCallable = Callable[[Iterable[Any]], Optimizer]


class TaskError(UserError):
    """Model and data do not fit each other; the message says how."""


def adam(parameters: Iterable[Any]) -> Optimizer:
    """Return the paper's optimizer: Adam with learning rate 0.001."""
    return torch.optim.Adam(parameters, lr=1e-3)


class EmotionModel(LightningModule):
    """Encoders -> fusion -> head, and the objectives on them.

    Rows without a modality have zero features. They do not go through an encoder with batch norm
    that learns, whose statistics are of what is there; others get zeros (the mean of the training
    clips) for them.

    Args:
        encoders: Modality -> encoder.
        fusion: Makes the fusion from sizes.
        objectives: Name -> makes the objective from sizes.
        targets: Target -> class names; linked from the data by the command line.
        target: The target that the output predicts.
        label_encoder: Makes the label encoder from sizes; None where no objective needs it.
        optimizer: Makes the optimizer of a stage; Adam at 0.001 by default.
        scheduler: Makes the learning-rate scheduler of each stage that has none of its own;
            stepped once an epoch.
        decay_norms: Whether the optimizer's weight decay also draws biases and the scales of
            normalisation layers towards zero, as torch does where nothing is said.

    Attributes:
        active: Objective -> weight in force; a stage changes it, and an objective that is not
            in it is not evaluated.
        shown: Modalities in force; the others are treated as absent and not encoded.
        unlabelled: Whether rows without a label take part in training; a stage changes it.
        learning_rates: Prefix of a parameter group's name (``encoders``, ``encoders.audio``,
            ``fusion``, ``head``, ``label_encoder``, ``objectives.NAME``) -> learning rate,
            where it is not the optimizer's.
        fixed: Names of parameters that their module froze for good; no stage trains them.
        compiled: Modality -> what stands for its encoder where all rows have it; see
            :class:`emorec.callbacks.Compile`.
    """

    def __init__(
        self,
        encoders: dict[str, Encoder],
        fusion: Callable[[Sizes], Fusion],
        objectives: dict[str, Callable[[Sizes], Objective]],
        targets: dict[str, list[str]],
        target: str = "emotion",
        label_encoder: Callable[[Sizes], LabelEncoder] | None = None,
        optimizer: OptimizerCallable = adam,
        scheduler: SchedulerCallable | None = None,
        decay_norms: bool = True,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(logger=False)  # objects, where it is not made by a config
        if target not in targets:
            raise TaskError(f"no target {target!r} in the data; it has {', '.join(targets)}")
        self.targets, self.target = targets, target
        self.encoders = nn.ModuleDict({name: encoders[name] for name in sorted(encoders)})
        self.standardise = nn.ModuleDict({name: Standardise() for name in sorted(encoders)})
        self.make_fusion, self.make_objectives = fusion, objectives
        self.make_label_encoder = label_encoder
        self.make_optimizer, self.make_scheduler = optimizer, scheduler
        self.decay_norms = decay_norms
        self.planned = Planned(None, 1, "")  # of the stage that is entered
        self.active: dict[str, float] = {}
        self.shown = sorted(encoders)
        self.unlabelled = True
        self.learning_rates: dict[str, float] = {}
        self.fixed: set[str] = set()
        self.compiled: dict[str, Callable[[Tensor], Tensor]] = {}
        self.fusion: Fusion | None = None

    @property
    def classes(self) -> list[str]:
        """Class names of the target, in the order of the outputs."""
        return self.targets[self.target]

    def configure_model(self) -> None:
        """Assemble what needs sizes; a second call changes nothing."""
        if self.fusion is not None:
            return
        widths = {name: int(self.encoder(name).dim) for name in self.encoders}
        outputs = {name: len(classes) for name, classes in self.targets.items()}
        # The fusion's sizes have no label: a config cannot leak it into the output.
        self.fusion = self.make_fusion(Sizes(dict(widths), outputs))
        self.head = self.fusion.head(outputs[self.target])
        widths["fused"] = self.fusion.dim
        self.label_encoder = None
        if self.make_label_encoder is not None:
            self.label_encoder = self.make_label_encoder(Sizes(widths, outputs))
            widths["label"] = self.label_encoder.dim
        sizes = Sizes(widths, outputs)
        self.objectives = nn.ModuleDict(
            {name: self.make_objectives[name](sizes) for name in sorted(self.make_objectives)}
        )
        self.fixed = {name for name, p in self.named_parameters() if not p.requires_grad}
        if not self.active:
            self.active = {name: self.objective(name).weight for name in self.objectives}

    def encoder(self, name: str) -> Encoder:
        """Return a modality's encoder."""
        encoder = self.encoders[name]
        assert isinstance(encoder, Encoder)
        return encoder

    def objective(self, name: str) -> Objective:
        """Return an objective by its name in the config."""
        objective = self.objectives[name]
        assert isinstance(objective, Objective)
        return objective

    def check(self) -> None:
        """Assemble the model and look for its weight files, before any data is read.

        Raises:
            UserError: Something named in the config does not exist or does not fit.
        """
        self.configure_model()
        for name in self.encoders:
            self.encoder(name).check_weights()

    def forward(self, batch: SegmentBatch) -> FeatureBundle:
        """Return features and output; the label feature is added by :meth:`with_label`."""
        features, present, read, hidden = {}, {}, {}, []
        for name in self.encoders:
            there = batch.present[name]
            if name in self.shown:
                read[name] = self.read(name, batch)
                features[name] = self._encoded(name, read[name], there)
                present[name] = there
            else:
                hidden.append(name)
                present[name] = torch.zeros_like(there)
        for name in hidden:  # zeros of as many steps as the others have
            like = next(x for other, x in features.items() if other in self.shown)
            features[name] = like.new_zeros(*like.shape[:-1], self.encoder(name).dim)
        bundle = self.fuse({name: features[name] for name in self.encoders}, present)
        return replace(bundle, inputs=read)

    def _encoded(self, name: str, x: Tensor, there: Tensor) -> Tensor:
        """Return the features of a modality (B, *T, D), zero in rows where it is absent."""
        encoder = self.encoders[name]
        norms = [m for m in encoder.modules() if isinstance(m, _BatchNorm) and m.training]
        known: list[_BatchNorm] = []  # those that have to do with what they know
        if norms:
            count = int(there.sum())
            # A vector alone has no statistics, and neither has nothing.
            few = count == 0 or (count == 1 and any(isinstance(m, nn.BatchNorm1d) for m in norms))
            if any(isinstance(m, nn.SyncBatchNorm) for m in norms):
                # Of all ranks together: each has to take part, also one that has nothing.
                few = int(sum_over_ranks(there.sum())) < 2
            if few:
                known = norms
            elif count < len(x):
                encoded = encoder(x[there])
                features: Tensor = encoded.new_zeros(len(x), *encoded.shape[1:])
                return features.index_put((there,), encoded)
        for norm in known:
            norm.eval()
        run = encoder if known else self.compiled.get(name, encoder)
        encoded = run(x)
        for norm in known:
            norm.train()
        return cast("Tensor", encoded.masked_fill(~_like(there, encoded), 0))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Copy the model; what makes its parts is shared: the command line's cannot be copied."""
        makers = [self.make_fusion, self.make_label_encoder, *self.make_objectives.values()]
        for maker in (*makers, self.make_optimizer, self.make_scheduler):
            memo[id(maker)] = maker
        memo[id(self.compiled)] = {}  # of these encoders
        copied = type(self).__new__(type(self))
        memo[id(self)] = copied
        copied.__dict__.update(deepcopy(self.__getstate__(), memo))
        return copied

    def read(self, modality: str, batch: SegmentBatch) -> Tensor:
        """Return what an encoder reads: standardised, zero where the modality is absent."""
        x: Tensor = self.standardise[modality](batch.inputs[modality])
        x = x.to(cast("torch.dtype", self.dtype))
        return x.masked_fill(~_like(batch.present[modality], x), 0)

    def fuse(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> FeatureBundle:
        """Fuse the features of the modalities; adds ``fused``.

        Args:
            features: Modality -> (B, D); zeros in rows where it is absent.
            present: Modality -> bool (B,).
        """
        assert self.fusion is not None
        fused = self.pool(self.fusion(dict(features), dict(present)))
        there = torch.stack(list(present.values())).any(0)
        return FeatureBundle(
            {**features, "fused": fused}, {**present, "fused": there}, self.head(fused)
        )

    def pool(self, fused: Tensor) -> Tensor:
        r"""Return what the head reads of fused features (B, \*T, D): all, unless overridden."""
        return fused

    def with_label(self, bundle: FeatureBundle, batch: SegmentBatch) -> FeatureBundle:
        """Add the label's feature, for objectives."""
        if self.label_encoder is None:
            return bundle
        label = self.label_encoder(batch.targets[self.target])
        features = {**bundle.features, "label": label}
        present = {**bundle.present, "label": batch.labelled[self.target]}
        return replace(bundle, features=features, present=present)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters by group name, see the class."""
        groups: dict[str, list[nn.Parameter]] = {}
        for name, parameter in self.named_parameters():
            parts = name.split(".")
            depth = 2 if parts[0] in ("encoders", "objectives") else 1
            groups.setdefault(".".join(parts[:depth]), []).append(parameter)
        return groups


def _like(mask: Tensor, x: Tensor) -> Tensor:
    return mask.view(-1, *[1] * (x.ndim - 1))
