"""Gated fusion: each unit of the fused feature chooses between the modalities."""

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.fusion.base import Fusion
from emorec.types import Sizes


class GatedFusion(Fusion):
    """h = sum over m of z_m * tanh(W_m x_m), with gates z from all features (GMU).

    The gated multimodal unit of Arevalo et al. 2017 (https://arxiv.org/abs/1702.01992). Its two
    gates are z and 1 - z; here they are a softmax over the modalities that are present, which is
    the same for two. An absent modality gets the gate 0.

    Args:
        sizes: Feature dimensions, given by the task.
        width: Dimension of the fused feature.
    """

    def __init__(self, sizes: Sizes, width: int = 512) -> None:
        super().__init__(sizes)
        self.names = sorted(sizes.features)
        self.dim = width
        self.project = nn.ModuleDict(
            {name: nn.Linear(sizes.features[name], width) for name in self.names}
        )
        total = sum(sizes.features.values())
        self.gates = nn.Linear(total, width * len(self.names))

    @override
    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        joined = torch.cat([features[name] for name in self.names], -1)
        gates = self.gates(joined).unflatten(-1, (len(self.names), self.dim))
        hidden = torch.stack([self.project[n](features[n]).tanh() for n in self.names], -2)
        mask = torch.stack([self.as_mask(present[n], features[n]) for n in self.names], -2)
        # Without any modality all gates are equal, and the result is 0.
        gates = gates.masked_fill(mask == 0, torch.finfo(gates.dtype).min).softmax(-2)
        fused: Tensor = (gates * hidden * mask).sum(-2)
        return fused
