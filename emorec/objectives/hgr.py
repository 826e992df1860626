"""Soft-HGR correlation between pairs of features, as a loss."""

from itertools import combinations
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from emorec.functional import soft_hgr_pairs, soft_hgr_stacked, sum_over_ranks, world_size
from emorec.objectives.pairs import PairObjective
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class SoftHGR(PairObjective):
    r"""Minus the sum of soft-HGR over pairs of features (Ma et al. 2020, equations (4) and (8)).

    .. math:: L_{corr} = -\sum_{(a, b)} S(F_a, F_b)

    Each pair counts the rows where both of its features are there, so a pair of modalities
    learns from unlabelled rows too and a pair with the label from labelled rows only (equation
    (8), pooled). The paper states that audio, visual and label features are made maximally
    correlated; that the pairs are added with equal weights is inferred. For weights per pair
    use several objectives. Logged: S of each pair, its inner product and its trace term.

    S is not invariant to scale: pre-trained features of unit variance have S of about -k/2, and
    the trace term then shrinks them violently. ``scale`` and ``projection`` are remedies of ours;
    the paper has neither.

    Args:
        sizes: Widths, given by the task.
        pairs: Such as ``audio+face``, ``audio+label``, ``fused+label``. None: all pairs of
            modalities and, where there is a label encoder, the label.
        weight: The paper's lambda (0.01, 0.1, 1 or 10).
        unbiased: Divide covariances by n - 1 (else n).
        scale: ``none`` compares the features as they are (the paper). ``calibrated`` multiplies
            each feature set by a constant that gives it a total variance of 1 in the first
            training batch. ``learned`` starts there and learns the factor, in stages whose
            ``train`` names ``objectives``.
        projection: Width of a linear layer for each feature set, in front of the comparison
            only; none (the paper) where None. It is learned in stages whose
            ``train`` names ``objectives``.
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
    ) -> None:
        widths = dict(sizes.features)
        super().__init__(
            sizes,
            pairs,
            weight=weight,
            compared=dict.fromkeys(widths, projection or 0) if projection else None,
        )
        self.unbiased = unbiased
        self.projections = nn.ModuleDict(
            {name: nn.Linear(widths[name], projection) for name in self.names} if projection else {}
        )
        self.scales = nn.ModuleDict(
            {name: Scale(learned=scale == "learned") for name in self.names}
            if scale != "none"
            else {}
        )

    def prepare(self, name: str, features: Tensor, rows: Tensor) -> Tensor:
        """Project and scale a feature set where that is asked for."""
        if name in self.projections:
            features = self.projections[name](features)
        if name in self.scales:
            scale = self.scales[name]
            assert isinstance(scale, Scale)
            features = scale(features, rows)
        return features

    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return -S summed over the pairs; see the base class."""
        shared = self._one_set_of_rows(bundle)
        if not shared and not self._worth_stacking(bundle):
            return super().forward(bundle, batch)
        ready = {n: self.prepare(n, bundle.features[n], bundle.present[n]) for n in self.names}
        if shared:
            present = bundle.present[self.names[0]]
            terms = soft_hgr_pairs(list(ready.values()), present, unbiased=self.unbiased)
        else:
            pairs = [
                self.pair(ready[a], ready[b], bundle.present[a] & bundle.present[b])
                for a, b in self.pairs
            ]
            f, g, rows = (torch.stack(each) for each in zip(*pairs, strict=True))
            terms = soft_hgr_stacked(f, g, rows, unbiased=self.unbiased)
        for name, values in zip(("S", "inner", "trace"), terms, strict=True):
            for (a, b), value in zip(self.pairs, values.detach(), strict=True):
                self.parts[f"{a}+{b}/{name}"] = value
        return -terms[0].sum()

    def _one_set_of_rows(self, bundle: FeatureBundle) -> bool:
        """Whether all pairs count the same rows, so that they can share what they compute.

        A GPU would have to be waited for to know, and ranks could disagree.
        """
        masks = [bundle.present[name] for name in self.names]
        return (
            self.pairs == list(combinations(self.names, 2))
            and world_size() == 1
            and masks[0].device.type == "cpu"
            and all(torch.equal(masks[0], mask) for mask in masks[1:])
        )

    def _worth_stacking(self, bundle: FeatureBundle) -> bool:
        """Whether pairs with rows of their own go through the same kernels and sums over ranks.

        A GPU takes longer to start them than to run them. A CPU starts them at once.
        """
        features = [bundle.features[name] for name in self.names]
        one_width = bool(self.projections) or len({x.shape for x in features}) == 1
        return one_width and (world_size() > 1 or features[0].device.type != "cpu")

    def pair(self, f: Tensor, g: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the features (B, k) of a pair and the rows, bool (B,), as they are compared."""
        return f, g, rows

    def compare(self, f: Tensor, g: Tensor, rows: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return -S and its terms."""
        f, g, rows = (x.unsqueeze(0) for x in self.pair(f, g, rows))
        terms = soft_hgr_stacked(f, g, rows, unbiased=self.unbiased)
        s, inner, trace = (term.squeeze(0) for term in terms)
        return -s, {"S": s.detach(), "inner": inner, "trace": trace}


class Scale(nn.Module):
    """A factor for a feature set, set by the first training batch to a total variance of 1.

    That is the first call with gradients on: a stage that does not train the objectives keeps
    them in eval mode, and has to measure all the same.

    Args:
        learned: Learn a factor on top of it.
    """

    known: Tensor
    factor: Tensor

    def __init__(self, *, learned: bool) -> None:
        super().__init__()
        self.register_buffer("known", torch.tensor(False))
        self.register_buffer("factor", torch.ones(()))
        self.log_change = nn.Parameter(torch.zeros(())) if learned else None

    def forward(self, features: Tensor, rows: Tensor) -> Tensor:
        """Return features (B, k) times the factor; rows, bool (B,), are those to measure."""
        if torch.is_grad_enabled() and not self.known:
            self._measure(features.detach().float(), rows)
        factor = self.factor if self.log_change is None else self.factor * self.log_change.exp()
        return features * factor

    @torch.no_grad()
    def _measure(self, features: Tensor, rows: Tensor) -> None:
        features = features.masked_fill(~rows.unsqueeze(1), 0)
        total = sum_over_ranks(torch.cat([features.sum(0), rows.sum().float().unsqueeze(0)]))
        n, mean = total[-1], total[:-1] / total[-1].clamp(min=1)
        squares = (features - mean).masked_fill(~rows.unsqueeze(1), 0).square().sum()
        variance = sum_over_ranks(squares) / (n - 1).clamp(min=1)
        if variance > 0:
            self.factor.copy_(variance.rsqrt())
            self.known.fill_(True)
