"""Correlates common parts of features and decorrelates private parts from them."""

from itertools import combinations

from torch import Tensor
from typing_extensions import override

from emorec.errors import UserError
from emorec.functional import moments, soft_hgr
from emorec.objectives.base import Objective
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class CommonPrivate(Objective):
    r"""-sum over pairs of S(c_a, c_b) + decorrelation * sum over m of ||cov(c_m, p_m)||_F^2.

    After EMOdal (SenSys 2018), which has no public equations: the loss is our reconstruction, with
    S the soft-HGR correlation of Ma et al. 2020. The first ``common`` units of a modality are
    its common part c, the others its private part p, as in
    :class:`~emorec.fusion.CommonPrivateFusion`. Unlabelled rows are included.

    Args:
        sizes: Feature dimensions, given by the task.
        common: Number of common units; the same as the fusion's.
        decorrelation: Weight of the second term.
        weight: Factor in the total loss.
    """

    def __init__(
        self,
        sizes: Sizes,
        common: int = 256,
        *,
        decorrelation: float = 1.0,
        weight: float = 1.0,
    ) -> None:
        super().__init__(sizes, weight=weight)
        self.names = sorted(set(sizes.features) - {"fused", "label", *sizes.sides})
        if len(self.names) < 2 or not all(0 < common < sizes.features[n] for n in self.names):
            raise UserError(
                "CommonPrivate needs two modalities, each with more units than common; got "
                f"{common} of {', '.join(f'{sizes.features[n]} ({n})' for n in self.names)}"
            )
        self.common = common
        self.decorrelation = decorrelation

    @override
    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        total = bundle.output.new_zeros(())
        common = {n: bundle.features[n][..., : self.common] for n in self.names}
        for a, b in combinations(self.names, 2):
            value = soft_hgr(common[a], common[b], bundle.present[a] & bundle.present[b])
            self.parts[f"{a}+{b}"] = value.detach()
            total = total - value
        for name in self.names:
            private = bundle.features[name][..., self.common :]
            cross = moments(common[name], private, bundle.present[name]).cross
            repeated = cross.square().sum()
            self.parts[f"{name}/repeated"] = repeated.detach()
            total = total + self.decorrelation * repeated
        return total
