"""Features of a common and a private part."""

import torch
from torch import Tensor, nn

from emorec.errors import UserError
from emorec.fusion.base import Fusion
from emorec.types import Sizes


class CommonPrivateFusion(Fusion):
    """Classifies on [c_1, c_2, ..., p_1, p_2, ...], common and private parts of all modalities.

    After EMOdal (SenSys 2018), of which no equations are public: the first ``common`` of
    each modality's units are its common part, the others its private one. What makes them so is the
    objective :class:`~emorec.objectives.CommonPrivate`; the fusion itself is one layer on all of
    them, and an absent modality is zeros. (Common parts are correlated, not equal: none can stand
    for another.)

    Args:
        sizes: Widths, given by the task.
        common: Number of units that are common; the same as the objective's.
        width: Units of the fused feature.
    """

    def __init__(self, sizes: Sizes, common: int = 256, width: int = 512) -> None:
        super().__init__(sizes)
        self.names = sorted(sizes.features)
        if common < 1 or any(width <= common for width in sizes.features.values()):
            raise UserError(
                f"common is at least 1 and leaves each modality private units; got {common} of "
                + ", ".join(f"{sizes.features[n]} ({n})" for n in self.names)
            )
        self.common, self.dim = common, width
        self.layer = nn.Linear(sum(sizes.features[name] for name in self.names), width)

    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        r"""Return (B, \*T, width); see the base class."""
        kept = {n: features[n] * self.there(present[n], features[n]) for n in self.names}
        common = [kept[n][..., : self.common] for n in self.names]
        private = [kept[n][..., self.common :] for n in self.names]
        fused: Tensor = self.layer(torch.cat([*common, *private], -1))
        return fused.relu()
