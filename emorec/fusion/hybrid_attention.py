"""Attention inside each modality and across them, side by side, chosen by a gate."""

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.errors import UserError
from emorec.fusion.base import Fusion
from emorec.fusion.joint_attention import JointCrossAttention
from emorec.types import Sizes


class HybridAttention(Fusion):
    r"""Single-modal and parallel cross-modal attention, gated, for two modalities.

    HMATN (Moorthy and Moon 2025, Mathematics 13(7):1100) names these parts; its equations could not
    be read, so all of these are ours. In their order, each can be left out:

    1. ``joint``: :class:`JointCrossAttention`; else a projection to ``width``.
    2. ``channels`` (semantic attention): X s, s = sigmoid(W_2 ReLU(W_1 mean over T of X)), with
       an eighth of the channels inside.
    3. ``single``: LN(X_m + attention(X_m, X_m, X_m)), and ``parallel``: LN(X_m + attention(X_m,
       X_n, X_n)), both of the same X_m; of the two the gate g S + (1 - g) P, g = sigmoid(W_g
       [S, P]) of each unit; then a layer of 2 width units with a skip.
    4. ``relation``: both modalities times sigmoid(<R_a, R_v> / sqrt(width)) in each step, so steps
       in which they disagree count less.

    An absent modality is zero in the result, and the other one is as without it: its gate is 1,
    its relation 1. Features (B, D) are one step.

    Args:
        sizes: Feature dimensions, given by the task.
        frames: T, which ``joint`` needs; 1 for features (B, D).
        width: Dimension of each modality, a multiple of ``heads`` and of 8.
        heads: Attention heads.
        dropout: Of attention weights and of the last layer, 0 to below 1.
        joint: Part 1.
        channels: Part 2.
        single: Of part 3.
        parallel: Of part 3.
        relation: Part 4.

    Raises:
        UserError: There are not two modalities, or a number does not fit.
    """

    def __init__(
        self,
        sizes: Sizes,
        frames: int = 1,
        width: int = 128,
        heads: int = 4,
        dropout: float = 0.3,
        *,
        joint: bool = True,
        channels: bool = True,
        single: bool = True,
        parallel: bool = True,
        relation: bool = True,
    ) -> None:
        super().__init__(sizes)
        self.names = sorted(sizes.features)
        if len(self.names) != 2 or width % heads or width % 8:
            raise UserError(
                "HybridAttention needs two modalities and a width that is a multiple of 8 and of "
                f"heads; got {', '.join(self.names)}, width {width}, heads {heads}"
            )
        self.width, self.dim, self.relation = width, 2 * width, relation
        self.joint = JointCrossAttention(sizes, frames, width) if joint else None
        if not joint:
            self.project = nn.ModuleDict(
                {n: nn.Linear(sizes.features[n], width) for n in self.names}
            )
        self.steps = nn.ModuleDict(
            {
                name: nn.ModuleDict(_parts(width, heads, dropout, channels, single, parallel))
                for name in self.names
            }
        )

    @override
    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        r"""Return (B, \*T, 2 x width)."""
        one = features[self.names[0]].ndim == 2
        given = {n: features[n].unsqueeze(1) if one else features[n] for n in self.names}
        masks = [self.as_mask(present[n], given[n]) for n in self.names]
        if self.joint is not None:
            own = list(self.joint(given, present).split(self.width, -1))
        else:
            own = [self.project[n](given[n]) * m for n, m in zip(self.names, masks, strict=True)]
        own = [self._weighted(n, x) for n, x in zip(self.names, own, strict=True)]
        made = [
            self._attended(self.names[i], own[i], own[1 - i], masks[1 - i]) * masks[i]
            for i in (0, 1)
        ]
        if self.relation:
            both = masks[0] * masks[1]
            agree = (made[0] * made[1]).sum(-1, keepdim=True) / self.width**0.5
            made = [x * (both * agree.sigmoid() + (1 - both)) for x in made]
        fused = torch.cat(made, -1)
        return fused.squeeze(1) if one else fused

    def _weighted(self, name: str, x: Tensor) -> Tensor:
        """Return (B, T, width) with its channels weighted."""
        steps = self.steps[name]
        assert isinstance(steps, nn.ModuleDict)
        if "channels" not in steps:
            return x
        weighted: Tensor = x * steps["channels"](x.mean(1, keepdim=True))
        return weighted

    def _attended(self, name: str, x: Tensor, other: Tensor, heard: Tensor) -> Tensor:
        """Return R, (B, T, width), of one modality; ``heard`` is where the other is present."""
        steps = self.steps[name]
        assert isinstance(steps, nn.ModuleDict)
        own = other_way = x
        if "single" in steps:
            own = steps["single_norm"](x + steps["single"](x, x, x, need_weights=False)[0])
        if "parallel" in steps:
            seen = steps["parallel"](x, other, other, need_weights=False)[0]
            other_way = steps["parallel_norm"](x + seen)
            gate = steps["gate"](torch.cat([own, other_way], -1)).sigmoid()
            gate = gate * heard + (1 - heard)
            own = gate * own + (1 - gate) * other_way
        made: Tensor = own + steps["last"](own)
        return made


def _parts(
    width: int, heads: int, dropout: float, channels: bool, single: bool, parallel: bool
) -> dict[str, nn.Module]:
    """Return the layers of one modality."""
    parts: dict[str, nn.Module] = {}
    if channels:
        parts["channels"] = nn.Sequential(
            nn.Linear(width, width // 8), nn.ReLU(), nn.Linear(width // 8, width), nn.Sigmoid()
        )
    if single:
        parts["single"] = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        parts["single_norm"] = nn.LayerNorm(width)
    if parallel:
        parts["parallel"] = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        parts["parallel_norm"] = nn.LayerNorm(width)
        parts["gate"] = nn.Linear(2 * width, width)
    parts["last"] = nn.Sequential(
        nn.Linear(width, 2 * width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
    )
    return parts
