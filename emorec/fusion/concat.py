"""The fusion network of Ma et al. 2020."""

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.errors import UserError
from emorec.fusion.base import Fusion
from emorec.types import Sizes


class ConcatFusion(Fusion):
    """Concatenation and ``layers`` fully connected layers with ReLU (Ma et al. 2020, phi).

    An absent modality is a vector of zeros, as in the paper's test of missing modalities. The
    paper does not state the width of the layers; 512 is that of all its other layers.

    Args:
        sizes: Feature dimensions, given by the task.
        layers: Number of layers; the paper's 1, 2 or 4.
        width: Units per layer.
        widths: Units of each layer, instead of ``layers`` and ``width``: [64, 16] is the
            classifier of Liang et al. 2020 (https://arxiv.org/abs/2009.02598), whose last layer is
            the head; with [] the head reads the features themselves.

    Examples:
        >>> sizes = Sizes(features={"audio": 4, "face": 6}, outputs={"emotion": 3})
        >>> fusion = ConcatFusion(sizes, layers=2, width=8)
        >>> features = {"audio": torch.zeros(5, 4), "face": torch.zeros(5, 6)}
        >>> present = {name: torch.ones(5, dtype=torch.bool) for name in features}
        >>> fusion(features, present).shape
        torch.Size([5, 8])
    """

    def __init__(
        self,
        sizes: Sizes,
        layers: int = 1,
        width: int = 512,
        widths: list[int] | None = None,
    ) -> None:
        super().__init__(sizes)
        if layers < 1 or width < 1 or (widths and min(widths) < 1):
            raise UserError(
                "layers, width and each of widths must be at least 1, got "
                f"{layers}, {width}, {widths}"
            )
        self.names = sorted(sizes.features)
        units = [width] * layers if widths is None else widths
        steps: list[nn.Module] = []
        before = sum(sizes.features.values())
        self.dim = [before, *units][-1]
        for after in units:
            steps += [nn.Linear(before, after), nn.ReLU()]
            before = after
        self.layers = nn.Sequential(*steps)

    @override
    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        fused: Tensor = self.layers(torch.cat([features[name] for name in self.names], dim=-1))
        return fused
