"""The fusion network of Ma et al. 2020."""

import torch
from torch import Tensor, nn

from emorec.errors import UserError
from emorec.fusion.base import Fusion
from emorec.types import Sizes


class ConcatFusion(Fusion):
    """Concatenation and ``layers`` fully connected layers with ReLU (Ma et al. 2020, phi).

    An absent modality is a vector of zeros, as in the paper's test of missing modalities. The
    width of the layers is not stated in the paper; 512 is that of all its other layers.

    Args:
        sizes: Widths, given by the task.
        layers: The paper's 1, 2 or 4.
        width: Units a layer.
    """

    def __init__(self, sizes: Sizes, layers: int = 1, width: int = 512) -> None:
        super().__init__(sizes)
        if layers < 1 or width < 1:
            raise UserError(f"layers and width are at least 1, got {layers} and {width}")
        self.names = sorted(sizes.features)
        self.dim = width
        steps: list[nn.Module] = []
        before = sum(sizes.features.values())
        for _ in range(layers):
            steps += [nn.Linear(before, width), nn.ReLU()]
            before = width
        self.layers = nn.Sequential(*steps)

    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        r"""Return (B, \*T, width); see the base class."""
        fused: Tensor = self.layers(torch.cat([features[name] for name in self.names], dim=-1))
        return fused
