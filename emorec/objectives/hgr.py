"""Soft-HGR correlation between pairs of features, as a loss."""

from collections.abc import Sequence
from itertools import combinations
from typing import ClassVar, Literal

import torch
from torch import Tensor
from typing_extensions import override

from emorec.functional import soft_hgr_pairs, soft_hgr_stacked, world_size
from emorec.objectives.compared import (
    compared_widths,
    make_projections,
    make_scales,
    project_and_scale,
)
from emorec.objectives.pairs import PairObjective, Rows
from emorec.types import FeatureBundle, SegmentBatch, Sizes

Terms = tuple[Tensor, Tensor, Tensor]


class SoftHGR(PairObjective):
    r"""Minus the sum of soft-HGR over pairs of features (Ma et al. 2020, equations (4) and (8)).

    .. math:: L_{corr} = -\sum_{(a, b)} S(F_a, F_b)

    Each pair uses the rows where both of its features are present, so a pair of modalities also
    learns from unlabelled rows, and a pair with the label from labelled rows only (equation (8),
    pooled). The paper states that audio, visual and label features are made maximally correlated;
    equal weights of the pairs are inferred. For weights per pair use several objectives. Logged: S
    of each pair, its inner product and its trace term.

    S is not invariant to scale: pre-trained features of unit variance have S of about -k/2, and
    the trace term then shrinks them violently. ``scale`` and ``projection`` are our remedies; the
    paper has neither.

    Args:
        sizes: Feature dimensions, given by the task.
        pairs: Such as ``audio+face``, ``audio+label``, ``fused+label``. None: all pairs of
            modalities and, with a label encoder, the label.
        weight: The paper's lambda (0.01, 0.1, 1 or 10).
        unbiased: Divide covariances by n - 1 (else n).
        scale: ``none`` compares the features as they are (the paper). ``calibrated`` multiplies
            each feature set by a constant that gives it a total variance of 1 in the first
            training batch. ``learned`` starts there and learns the factor, in stages whose
            ``train`` includes ``objectives``.
        projection: Dimension of a linear layer on each feature set, before the comparison only;
            None: no layer (the paper). It is learned in stages whose ``train`` includes
            ``objectives``.
        rows: ``all`` (the paper), or ``unlabelled`` ones, by whose share of the batch the loss then
            counts: it stands in for labels that are missing, and where none is, it costs nothing.
    """

    of_epoch: ClassVar[bool] = True

    def __init__(
        self,
        sizes: Sizes,
        pairs: list[str] | None = None,
        *,
        weight: float = 1.0,
        unbiased: bool = True,
        scale: Literal["none", "calibrated", "learned"] = "none",
        projection: int | None = None,
        rows: Rows = "all",
    ) -> None:
        compared = compared_widths(sizes, projection)
        super().__init__(sizes, pairs, weight=weight, compared=compared, rows=rows)
        self.unbiased = unbiased
        self.projections = make_projections(sizes, self.names, projection)
        self.scales = make_scales(self.names, scale)

    @override
    def prepare(self, name: str, features: Tensor, rows: Tensor) -> Tensor:
        """Apply the projection and scale, if any."""
        return project_and_scale(name, features, rows, self.projections, self.scales)

    @override
    def total(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return -S summed over the pairs."""
        shared = self._one_set_of_rows(bundle)
        if not shared and not self._worth_stacking(bundle):
            return super().total(bundle, batch)
        prepared = {n: self.prepare(n, bundle.features[n], bundle.present[n]) for n in self.names}
        if shared:
            present = bundle.present[self.names[0]]
            terms = soft_hgr_pairs(list(prepared.values()), present, unbiased=self.unbiased)
        else:
            pairs = [
                (prepared[a], prepared[b], bundle.present[a] & bundle.present[b])
                for a, b in self.pairs
            ]
            terms = stack_pairs(pairs, unbiased=self.unbiased)
        self.parts |= name_terms(self.pairs, terms)
        return -terms[0].sum()

    @override
    def compare(self, f: Tensor, g: Tensor, rows: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return -S and its terms."""
        return compare_pair(f, g, rows, unbiased=self.unbiased)

    def _one_set_of_rows(self, bundle: FeatureBundle) -> bool:
        """Whether all pairs use the same rows, so that they can share computations.

        Not checked on a GPU, which the CPU would have to wait for, nor on several ranks, which
        could disagree.
        """
        masks = [bundle.present[name] for name in self.names]
        return (
            self.pairs == list(combinations(self.names, 2))
            and world_size() == 1
            and masks[0].device.type == "cpu"
            and all(torch.equal(masks[0], mask) for mask in masks[1:])
        )

    def _worth_stacking(self, bundle: FeatureBundle) -> bool:
        features = [bundle.features[name] for name in self.names]
        return worth_stacking(features, bool(self.projections))


def worth_stacking(features: Sequence[Tensor], projected: bool) -> bool:
    """Return whether to stack pairs with different rows, sharing kernels and sums over ranks.

    A GPU takes longer to launch the kernels than to run them; a CPU has no such overhead.

    Args:
        features: (B, D) of each feature set.
        projected: Whether all are projected to the same dimension.
    """
    stackable = projected or len({x.shape for x in features}) == 1
    return stackable and (world_size() > 1 or features[0].device.type != "cpu")


def stack_pairs(pairs: Sequence[tuple[Tensor, Tensor, Tensor]], *, unbiased: bool) -> Terms:
    """Return S of each pair, its inner product and its trace term: three of (pairs,).

    Args:
        pairs: Two features (B, k), with the same k for all pairs, and the valid rows, bool (B,).
        unbiased: Divide covariances by n - 1 (else n).
    """
    f, g, rows = (torch.stack(each) for each in zip(*pairs, strict=True))
    return soft_hgr_stacked(f, g, rows, unbiased=unbiased)


def compare_pair(
    f: Tensor, g: Tensor, rows: Tensor, *, unbiased: bool
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return -S of one pair and its terms to log; see :func:`stack_pairs`."""
    f, g, rows = (x.unsqueeze(0) for x in (f, g, rows))
    terms = soft_hgr_stacked(f, g, rows, unbiased=unbiased)
    s, inner, trace = (term.squeeze(0) for term in terms)
    return -s, {"S": s.detach(), "inner": inner, "trace": trace}


def name_terms(pairs: Sequence[tuple[str, str]], terms: Terms) -> dict[str, Tensor]:
    """Return what is logged of pairs: ``audio+face/S`` and so on -> detached scalar."""
    return {
        f"{a}+{b}/{name}": value
        for name, values in zip(("S", "inner", "trace"), terms, strict=True)
        for (a, b), value in zip(pairs, values.detach(), strict=True)
    }
