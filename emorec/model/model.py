"""The model: encoders, fusion, head, objectives and label encoder."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from emorec.encoders import Encoder, LabelEncoder
from emorec.errors import ModelError
from emorec.evaluation.decision import decision_of
from emorec.functional import sum_over_ranks
from emorec.fusion import Fusion
from emorec.model.in_force import InForce
from emorec.model.memo import Memo
from emorec.model.standardise import Standardise
from emorec.objectives import Objective
from emorec.types import Array, FeatureBundle, SegmentBatch, Sizes, Target


class EmotionModel(nn.Module):
    """Encoders -> fusion -> head, and the objectives on them.

    Rows without a modality have zero features. An encoder with batch norm in training mode does not
    get them, so that its statistics cover present rows only; others get zeros (the mean of the
    training clips) for them.

    Args:
        encoders: Name -> encoder; features have its name.
        fusion: Makes the fusion from sizes.
        objectives: Name -> makes the objective from sizes.
        targets: Name -> target of the data.
        target: Name of the predicted target.
        label_encoder: Makes the label encoder from sizes; None if no objective needs it.
        reads: Name of an encoder -> modality that it reads, if different from its name: several
            encoders may read the same modality.

    Attributes:
        reads: Name of each encoder -> modality that it reads.
        target: The predicted target.
        decision: Turns the outputs into decisions.
        in_force: What is active: initially all objectives with their own weights, and all
            modalities.
        compiled: Name of an encoder -> its replacement if all rows have the modality; see
            :class:`emorec.callbacks.Compile`.
        memo: What frozen parts of encoders made of windows, in training; None: they run each time.

    Raises:
        ModelError: The data has no such target, or ``reads`` names an unknown encoder.
    """

    def __init__(
        self,
        encoders: Mapping[str, Encoder],
        fusion: Callable[[Sizes], Fusion],
        objectives: Mapping[str, Callable[[Sizes], Objective]],
        targets: Mapping[str, Target],
        target: str = "emotion",
        label_encoder: Callable[[Sizes], LabelEncoder] | None = None,
        reads: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        if target not in targets:
            raise ModelError(f"no target {target!r} in the data; it has {', '.join(targets)}")
        self.targets, self.target_name, self.target = dict(targets), target, targets[target]
        self.encoders = nn.ModuleDict({name: encoders[name] for name in sorted(encoders)})
        unknown = sorted(set(reads or {}) - set(encoders))
        if unknown:
            known = ", ".join(self.encoders)
            raise ModelError(
                f"reads names {unknown[0]!r}, which is not an encoder; the encoders are {known}"
            )
        self.reads = {name: (reads or {}).get(name, name) for name in self.encoders}
        modalities = sorted(set(self.reads.values()))
        self.standardise = nn.ModuleDict({name: Standardise() for name in modalities})
        widths = {name: int(self.encoder(name).dim) for name in self.encoders}
        outputs = {name: len(each) for name, each in targets.items()}
        # The fusion's sizes lack the label, so that no config can leak it into the output.
        self.fusion = fusion(Sizes(dict(widths), outputs))
        self.head = self.fusion.head(outputs[target])
        widths["fused"] = self.fusion.dim
        self.sides: dict[str, str] = {}  # name of the feature -> encoder
        for name in self.encoders:
            for side, width in self.encoder(name).sides.items():
                self.sides[f"{name}-{side}"] = name
                widths[f"{name}-{side}"] = width
        self.label_encoder = None
        if label_encoder is not None:
            self.label_encoder = label_encoder(Sizes(widths, outputs, frozenset(self.sides)))
            widths["label"] = self.label_encoder.dim
        sizes = Sizes(widths, outputs, frozenset(self.sides))
        self.objectives = nn.ModuleDict(
            {name: objectives[name](sizes) for name in sorted(objectives)}
        )
        self.decision = decision_of(self.target)
        self.in_force = InForce(
            {name: self.objective(name).weight for name in self.objectives}, tuple(self.encoders)
        )
        self.compiled: dict[str, Callable[[Tensor], Tensor]] = {}
        self.memo: Memo | None = None

    def remember(self, *, same_inputs: bool) -> None:
        """Begin to remember what frozen parts of encoders make of windows, or end it.

        Args:
            same_inputs: Whether a window has the same input each time: nothing augments it.
        """
        still = (name for name in self.encoders if not self.in_force.learns(f"encoders.{name}"))
        self.memo = Memo(frozenset(still)) if same_inputs else None

    def encoder(self, name: str) -> Encoder:
        """Return an encoder by its name."""
        encoder = self.encoders[name]
        assert isinstance(encoder, Encoder)
        return encoder

    def objective(self, name: str) -> Objective:
        """Return an objective by its name in the config."""
        objective = self.objectives[name]
        assert isinstance(objective, Objective)
        return objective

    @property
    def modalities(self) -> list[str]:
        """Modalities of the active encoders, each once, in the encoders' order."""
        return list(dict.fromkeys(self.reads[name] for name in self.in_force.modalities))

    @property
    def score_names(self) -> list[str]:
        """All possible keys of :meth:`scores`, sorted."""
        return sorted({n for name in self.objectives for n in self.objective(name).score_names})

    def forward(self, batch: SegmentBatch) -> FeatureBundle:
        """Return features and output; :meth:`with_label` adds the label feature."""
        features, present, inputs, inactive = {}, {}, {}, []
        sides: dict[str, Tensor] = {}
        for name in self.encoders:
            rows = batch.present[self.reads[name]]
            if name in self.in_force.modalities:
                inputs[name] = self.read(name, batch)
                whole = self._remembered(name, inputs[name], batch, rows)
                features[name], more = self._parts(name, whole)
                sides |= more
                present[name] = rows
            else:
                inactive.append(name)
                present[name] = torch.zeros_like(rows)
        for name in inactive:  # zeros, with as many steps as the others
            like = next(iter(features.values()))
            width = self.encoder(name).dim + sum(self.encoder(name).sides.values())
            features[name], more = self._parts(name, like.new_zeros(*like.shape[:-1], width))
            sides |= more
        own = {name: features[name] for name in self.encoders}
        bundle = self.fuse(own, present, batch.context)
        masks = {side: present[self.sides[side]] for side in sides}
        return replace(
            bundle,
            features={**bundle.features, **sides},
            present={**bundle.present, **masks},
            inputs=inputs,
        )

    def _parts(self, name: str, whole: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return an encoder's features (B, *T, D), and those of its sides."""
        encoder = self.encoder(name)
        if not encoder.sides:
            return whole, {}
        own, *others = torch.split(whole, [encoder.dim, *encoder.sides.values()], -1)
        return own, {f"{name}-{side}": x for side, x in zip(encoder.sides, others, strict=True)}

    def _remembered(self, name: str, x: Tensor, batch: SegmentBatch, rows: Tensor) -> Tensor:
        """As :meth:`_encoded`; frozen parts run once a window if there is a memo."""
        encoder = self.encoder(name)
        if self.memo is None or not (name in self.memo.whole or _is_split(encoder)):
            return self._encoded(name, x, rows)
        if name in self.memo.whole:
            return self.memo.rows(name, encoder, x, batch, rows)
        fixed = self.memo.rows(name, encoder.fixed, x, batch, rows)
        return self._encoded(name, fixed, rows, encoder.learned)

    def _encoded(
        self, name: str, x: Tensor, rows: Tensor, part: Callable[[Tensor], Tensor] | None = None
    ) -> Tensor:
        """Return the features (B, *T, D) of an encoder, zero in rows without its modality.

        Args:
            name: The encoder.
            x: Its input, or that of a part of it.
            rows: bool (B,), where the modality is present.
            part: What is run; None: the encoder.
        """
        encoder = self.encoders[name]
        whole: Callable[[Tensor], Tensor] = encoder if part is None else part
        norms = [m for m in encoder.modules() if isinstance(m, _BatchNorm) and m.training]
        running: list[_BatchNorm] = []  # those that must use their running statistics
        if norms:
            count = int(rows.sum())
            # No row has no statistics, nor does a single vector.
            single = (nn.BatchNorm1d, nn.BatchNorm3d)  # of which a map may be a single value
            few = count == 0 or (count == 1 and any(isinstance(m, single) for m in norms))
            if any(isinstance(m, nn.SyncBatchNorm) for m in norms):
                # Over all ranks: each must take part, even without any row.
                few = int(sum_over_ranks(rows.sum())) < 2
            if few:
                running = norms
            elif count < len(x):
                encoded = whole(x[rows])
                features: Tensor = encoded.new_zeros(len(x), *encoded.shape[1:])
                return features.index_put((rows,), encoded)
        for norm in running:
            norm.eval()
        run = whole if running or part is not None else self.compiled.get(name, whole)
        encoded = run(x)
        for norm in running:
            norm.train()
        return encoded.masked_fill(~_like(rows, encoded), 0)

    def read(self, name: str, batch: SegmentBatch) -> Tensor:
        """Return an encoder's input: standardised, zero where the modality is absent."""
        modality = self.reads[name]
        x: Tensor = self.standardise[modality](batch.inputs[modality])
        dtypes = (p.dtype for p in self.encoders[name].parameters() if p.is_floating_point())
        x = x.to(next(dtypes, x.dtype))
        return x.masked_fill(~_like(batch.present[modality], x), 0)

    def moments(self, modality: str) -> tuple[Array, Array]:
        """Return mean and deviation that a modality is standardised with, float32."""
        standardise = self.standardise[modality]
        assert isinstance(standardise, Standardise)
        return standardise.mean.cpu().numpy(), standardise.deviation.cpu().numpy()

    def fuse(
        self,
        features: dict[str, Tensor],
        present: dict[str, Tensor],
        context: Tensor | None = None,
    ) -> FeatureBundle:
        """Fuse the features of the encoders; adds ``fused``.

        Args:
            features: Name of an encoder -> (B, D); zeros in rows where its modality is absent.
            present: Name of an encoder -> bool (B,).
            context: As of :class:`~emorec.types.SegmentBatch`.
        """
        given = dict(features), dict(present)
        related = self.fusion.relates_rows
        fused = self.fusion.related(*given, context) if related else self.fusion(*given)
        fused = self.decision.pool(fused)
        rows = torch.stack(list(present.values())).any(0)
        both = {**features, "fused": fused}, {**present, "fused": rows}
        return FeatureBundle(*both, self.head(fused), context=context)

    def without(self, bundle: FeatureBundle, lost: Mapping[str, Tensor]) -> FeatureBundle:
        """Return the bundle as if modalities had been absent in some rows.

        Args:
            bundle: Result of :meth:`forward` for the batch.
            lost: Modality -> bool (B,), rows where it is removed from all encoders that read it.
        """
        features = {name: bundle.features[name] for name in self.encoders}
        present = {name: bundle.present[name] for name in self.encoders}
        for name in (n for n in self.encoders if self.reads[n] in lost):
            rows = lost[self.reads[name]]
            features[name] = features[name].masked_fill(_like(rows, features[name]), 0)
            present[name] = present[name] & ~rows
        found = self.fuse(features, present, bundle.context)
        sides = [side for side in self.sides if side in bundle.features]
        masks = {side: present[self.sides[side]] for side in sides}
        kept = {
            s: bundle.features[s].masked_fill(~_like(masks[s], bundle.features[s]), 0)
            for s in sides
        }
        return replace(
            found, features={**found.features, **kept}, present={**found.present, **masks}
        )

    def scores(self, bundle: FeatureBundle) -> dict[str, Tensor]:
        """Return the predictions of the active objectives' heads.

        Returns:
            ``fused`` or the encoder of an auxiliary head -> float32 class probabilities
            (B, classes), or values (B, T, dimensions).
        """
        return {
            name: self.decision.link(output)
            for objective in self.objectives
            if self.in_force.objectives.get(objective, 0.0) != 0
            for name, output in self.objective(objective).scores(bundle).items()
        }

    def with_label(self, bundle: FeatureBundle, batch: SegmentBatch) -> FeatureBundle:
        """Add the label feature, for objectives."""
        if self.label_encoder is None:
            return bundle
        label = self.label_encoder(batch.targets[self.target_name])
        features = {**bundle.features, "label": label}
        present = {**bundle.present, "label": batch.labelled[self.target_name]}
        return replace(bundle, features=features, present=present)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Return group name -> parameters; see :class:`~emorec.model.InForce`."""
        groups: dict[str, list[nn.Parameter]] = {}
        for name, parameter in self.named_parameters():
            groups.setdefault(group_of(name), []).append(parameter)
        return groups


def group_of(name: str) -> str:
    """Return the group of a parameter, by its name in the model."""
    parts = name.split(".")
    return ".".join(parts[: 2 if parts[0] in ("encoders", "objectives") else 1])


def _is_split(encoder: Encoder) -> bool:
    """Return whether it has a fixed part that its ``forward``, maybe a subclass's, consists of."""
    owners = [
        next(cls for cls in type(encoder).__mro__ if name in vars(cls))
        for name in ("forward", "fixed", "learned")
    ]
    return encoder.has_fixed_part and len(set(owners)) == 1


def _like(mask: Tensor, x: Tensor) -> Tensor:
    return mask.view(-1, *[1] * (x.ndim - 1))
