"""Tensor fusion: all products of the modalities' units."""

import math

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.errors import UserError
from emorec.fusion.base import Fusion
from emorec.types import Sizes

MOST = 2_000_000  # entries of the outer product of one row


class TensorFusion(Fusion):
    """A linear layer with ReLU on the outer product of all [1; z_m] (Zadeh et al. 2017, TFN).

    Features are first projected to ``reduced`` units each (the paper's subnetworks end in 32), as
    the product has (reduced + 1) ** modalities entries (https://arxiv.org/abs/1707.07250). An
    absent modality is a vector of zeros: its 1 keeps the products of the others.

    Args:
        sizes: Feature dimensions, given by the task.
        reduced: Units per modality in the product.
        width: Dimension of the fused feature.
    """

    def __init__(self, sizes: Sizes, reduced: int = 32, width: int = 512) -> None:
        super().__init__(sizes)
        self.names = sorted(sizes.features)
        entries = math.prod(reduced + 1 for _ in self.names)
        if reduced < 1 or width < 1 or entries > MOST:
            raise UserError(
                f"reduced and width must be at least 1 and the product at most {MOST} entries; got "
                f"{reduced} and {width}, {entries} entries (LowRankFusion has no such limit)"
            )
        self.dim = width
        self.reduce = nn.ModuleDict(
            {name: nn.Linear(sizes.features[name], reduced) for name in self.names}
        )
        self.last = nn.Linear(entries, width)

    @override
    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        product: Tensor | None = None
        for name in self.names:
            z = self.reduce[name](features[name]).relu()
            z = z * self.as_mask(present[name], z)
            z = torch.cat([torch.ones_like(z[..., :1]), z], -1)
            product = z if product is None else torch.einsum("...i,...j->...ij", product, z)
            product = product if product is z else product.flatten(-2)
        fused: Tensor = self.last(product)
        return fused.relu()
