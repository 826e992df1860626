"""Base of losses on pairs of features."""

from abc import abstractmethod
from dataclasses import replace
from itertools import combinations
from typing import ClassVar, Literal

import torch
from torch import Tensor
from typing_extensions import override

from emorec.errors import UserError
from emorec.functional import sum_over_ranks
from emorec.objectives.base import Objective
from emorec.types import FeatureBundle, SegmentBatch, Sizes

Rows = Literal["all", "unlabelled"]


class PairObjective(Objective):
    """The sum over pairs of features of a loss that a subclass defines.

    Each pair uses the rows where both of its features are present, so a pair of modalities also
    learns from unlabelled rows, and a pair with the label from labelled rows only. For weights per
    pair use several objectives.

    Args:
        sizes: Feature dimensions, given by the task.
        pairs: Such as ``audio+face``, ``audio+label``, ``fused+label``. None: all pairs of
            modalities and, with a label encoder, the label.
        weight: Factor in the total loss (the paper's lambda).
        compared: Feature dimensions after projection, if they differ from ``sizes``.
        rows: Rows to train on: ``all`` (the paper), or ``unlabelled`` ones, by whose share of the
            batch the loss then counts: it stands in for labels that are missing, and where none is,
            it costs nothing.

    In validation, a loss on covariances (:attr:`of_epoch`) is computed over all rows of the epoch:
    validation batches are ordered by clip, and the covariance of three clips' rows is not
    comparable to that of a training batch.

    Attributes:
        rows: As given.
        targets: Targets of the data; a row with one of them is labelled.
        widths: Name of each feature set -> its dimension in the comparison.
        one_width: Whether both features of a pair must have the same dimension.
    """

    one_width: ClassVar[bool] = True

    def __init__(
        self,
        sizes: Sizes,
        pairs: list[str] | None = None,
        *,
        weight: float = 1.0,
        compared: dict[str, int] | None = None,
        rows: Rows = "all",
    ) -> None:
        super().__init__(sizes, weight=weight)
        known = compared or sizes.features
        if pairs is None:
            names = sorted(set(known) - {"fused", *sizes.sides})
            pairs = [f"{a}+{b}" for a, b in combinations(names, 2)]
        self.pairs = [_split_pair(pair, known, self.one_width) for pair in pairs]
        self.names = sorted({name for pair in self.pairs for name in pair})
        if rows == "unlabelled" and "label" in self.names:
            raise UserError(
                "rows: unlabelled leaves nothing to a pair with the label: name pairs of "
                "modalities, and use another objective for those with the label"
            )
        self.rows, self.targets = rows, tuple(sizes.outputs)
        self.widths = {name: known[name] for name in self.names}
        self._seen: list[tuple[FeatureBundle, SegmentBatch]] = []

    @abstractmethod
    def compare(self, f: Tensor, g: Tensor, rows: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of one pair, exact over the valid rows of all ranks, and parts to log.

        Args:
            f: (B, k) features.
            g: (B, m) features of the same rows.
            rows: bool (B,), the valid rows.
        """

    def prepare(self, name: str, features: Tensor, rows: Tensor) -> Tensor:
        """Return a feature set (B, k) ready for comparison: unchanged, unless overridden."""
        return features

    @override
    def observe(self, bundle: FeatureBundle, batch: SegmentBatch) -> None:
        """Collect the features of a batch."""
        features = {name: bundle.features[name].detach() for name in self.names}
        present = {name: bundle.present[name] for name in self.names}
        # Only clip and index: inputs of a whole epoch would fill the memory.
        light = replace(batch, inputs={}, present={}, targets={}, labelled={})
        self._seen.append((FeatureBundle(features, present, bundle.output.detach()), light))

    @override
    def forget(self) -> None:
        self._seen = []

    @torch.no_grad()
    @override
    def observed(self) -> Tensor:
        """Return the loss of all collected rows."""
        bundles, batches = zip(*self._seen, strict=True)
        self._seen = []
        bundle = FeatureBundle(
            {n: torch.cat([b.features[n] for b in bundles]) for n in self.names},
            {n: torch.cat([b.present[n] for b in bundles]) for n in self.names},
            torch.cat([b.output for b in bundles]),
        )
        index = torch.cat([b.index for b in batches])
        clip = torch.cat([b.clip for b in batches])
        loss: Tensor = self(bundle, SegmentBatch({}, {}, {}, {}, clip, index))
        return loss.detach()

    @override
    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the sum over the pairs, of the chosen rows, times their share in training."""
        if self.rows == "all" or not torch.is_grad_enabled():
            return self.total(bundle, batch)
        chosen = ~torch.stack([batch.labelled[name] for name in self.targets]).any(0)
        used = torch.stack([bundle.present[name] for name in self.names]).any(0)
        counts = sum_over_ranks(torch.stack([(used & chosen).sum(), used.sum()]).float())
        present = {name: rows & chosen for name, rows in bundle.present.items()}
        share = counts[0] / counts[1].clamp(min=1)
        return share * self.total(replace(bundle, present=present), batch)

    def total(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the sum over the pairs, of all rows where both features are present."""
        prepared = {
            name: self.prepare(name, bundle.features[name], bundle.present[name])
            for name in self.names
        }
        total = bundle.output.new_zeros(())
        for a, b in self.pairs:
            rows = bundle.present[a] & bundle.present[b]
            loss, parts = self.compare(prepared[a], prepared[b], rows)
            self.parts |= {f"{a}+{b}/{part}": value for part, value in parts.items()}
            total = total + loss
        return total


def _split_pair(pair: str, known: dict[str, int], one_width: bool) -> tuple[str, str]:
    a, plus, b = pair.partition("+")
    if not plus or a not in known or b not in known or a == b:
        raise UserError(
            f"pair {pair!r} must be two different features joined by '+'; the features are "
            f"{', '.join(sorted(known))}"
        )
    if one_width and known[a] != known[b]:
        raise UserError(
            f"this objective needs features of the same dimension, but {a} has {known[a]} and {b} "
            f"{known[b]}; set the same dim for their encoders (or the fusion)"
        )
    return a, b
