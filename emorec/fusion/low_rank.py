"""Low-rank multimodal fusion: the tensor product of modalities, never built."""

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.errors import UserError
from emorec.fusion.base import Fusion
from emorec.types import Sizes


class LowRankFusion(Fusion):
    r"""h = sum over i of w_i * product over m of (F_m[i] (1; z_m)) + b (Liu et al. 2018, LMF).

    Equal to a linear layer with weights of rank ``rank`` on the outer product of all (1; z_m), at
    a cost linear in the number of modalities (https://arxiv.org/abs/1806.00064). An absent
    modality is a vector of zeros: its 1 keeps the products of the others.

    Args:
        sizes: Feature dimensions, given by the task.
        rank: Rank of the weights; the paper tries 1, 4, 8 and 16.
        width: Dimension of the fused feature.
    """

    def __init__(self, sizes: Sizes, rank: int = 4, width: int = 512) -> None:
        super().__init__(sizes)
        if rank < 1 or width < 1:
            raise UserError(f"rank and width must be at least 1, got {rank} and {width}")
        self.names = sorted(sizes.features)
        self.dim = width
        self.factors = nn.ParameterDict(
            {n: nn.Parameter(torch.empty(rank, sizes.features[n] + 1, width)) for n in self.names}
        )
        for factor in self.factors.values():
            nn.init.xavier_normal_(factor)
        self.weights = nn.Parameter(torch.full((rank,), rank**-0.5))
        self.bias = nn.Parameter(torch.zeros(width))

    @override
    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        product: Tensor | None = None
        for name in self.names:
            factor = self.factors[name]
            # F [1; z] = F's first row + the others times z, which is zero if absent.
            each = torch.einsum("...d,rdw->...rw", features[name], factor[:, 1:]) + factor[:, 0]
            product = each if product is None else product * each
        assert product is not None
        return torch.einsum("...rw,r->...w", product, self.weights) + self.bias
