"""Gated fusion: each unit of the fused feature chooses between the modalities."""

import torch
from torch import Tensor, nn

from emorec.fusion.base import Fusion
from emorec.types import Sizes


class GatedFusion(Fusion):
    """h = sum over m of z_m * tanh(W_m x_m), with gates z from all features (GMU).

    The gated multimodal unit of Arevalo et al. 2017 (https://arxiv.org/abs/1702.01992). Its two
    gates are z and 1 - z; for any number of modalities the gates are a softmax over those that are
    there, which is the same for two. An absent modality gets the gate 0.

    Args:
        sizes: Widths, given by the task.
        width: Units of the fused feature.
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

    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        r"""Return (B, \*T, width); see the base class."""
        together = torch.cat([features[name] for name in self.names], -1)
        gates = self.gates(together).unflatten(-1, (len(self.names), self.dim))
        hidden = torch.stack([self.project[n](features[n]).tanh() for n in self.names], -2)
        there = torch.stack([self.there(present[n], features[n]) for n in self.names], -2)
        # Where nothing is there all gates are equal, and what they let through is 0.
        gates = gates.masked_fill(there == 0, torch.finfo(gates.dtype).min).softmax(-2)
        fused: Tensor = (gates * hidden * there).sum(-2)
        return fused
