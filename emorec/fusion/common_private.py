"""Fusion of features with common and private parts."""

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.errors import UserError
from emorec.fusion.base import Fusion
from emorec.types import Sizes


class CommonPrivateFusion(Fusion):
    """Classifies on [c_1, c_2, ..., p_1, p_2, ...], common and private parts of all modalities.

    After EMOdal (SenSys 2018), which has no public equations: the first ``common`` units of each
    modality are its common part, the others its private part. The objective
    :class:`~emorec.objectives.CommonPrivate` makes them so; the fusion itself is one layer on all
    units, with zeros for an absent modality. (Common parts are correlated, not equal: none can
    replace another.)

    Args:
        sizes: Feature dimensions, given by the task.
        common: Number of common units; the same as the objective's.
        width: Dimension of the fused feature.
    """

    def __init__(self, sizes: Sizes, common: int = 256, width: int = 512) -> None:
        super().__init__(sizes)
        self.names = sorted(sizes.features)
        if common < 1 or any(width <= common for width in sizes.features.values()):
            raise UserError(
                f"common must be at least 1 and leave each modality private units; got {common} of "
                + ", ".join(f"{sizes.features[n]} ({n})" for n in self.names)
            )
        self.common, self.dim = common, width
        self.layer = nn.Linear(sum(sizes.features[name] for name in self.names), width)

    @override
    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        kept = {n: features[n] * self.as_mask(present[n], features[n]) for n in self.names}
        common = [kept[n][..., : self.common] for n in self.names]
        private = [kept[n][..., self.common :] for n in self.names]
        fused: Tensor = self.layer(torch.cat([*common, *private], -1))
        return fused.relu()
