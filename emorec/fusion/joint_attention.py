"""Joint cross-attention: each modality is weighted by its correlation with all modalities."""

import math

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.errors import UserError
from emorec.fusion.base import Fusion
from emorec.types import Sizes


class JointCrossAttention(Fusion):
    """X_m + W_h ReLU(W_m X_m + W_c C_m), C_m = tanh(X_m' W_j J / sqrt(d_J)), J = [X_1, X_2, ...].

    Joint cross-attention as in the public code of Praveen et al. 2022
    (https://arxiv.org/abs/2203.14779), in place of the attention of HMATN (2025), whose equations
    are not public. HMATN has T = 8 frames of 128 units and 32 attention units. With one feature
    vector per window (T = 1), C_m correlates units instead of frames' units. An absent modality is
    zero in J and in the result.

    Args:
        sizes: Feature dimensions, given by the task.
        frames: T, the length of the sequences; 1 for features (B, D).
        reduced: Dimension that features are projected to first.
        attention: Attention units.
    """

    def __init__(
        self, sizes: Sizes, frames: int = 1, reduced: int = 128, attention: int = 32
    ) -> None:
        super().__init__(sizes)
        self.names = sorted(sizes.features)
        self.frames, self.joint = frames, reduced * len(self.names)
        self.dim = self.joint
        self.project = nn.ModuleDict(
            {name: nn.Linear(sizes.features[name], reduced) for name in self.names}
        )
        self.steps = nn.ModuleDict(
            {
                name: nn.ModuleDict(
                    {
                        "affine": nn.Linear(frames, frames, bias=False),
                        "own": nn.Linear(frames, attention, bias=False),
                        "joint": nn.Linear(self.joint, attention, bias=False),
                        "back": nn.Linear(attention, frames, bias=False),
                    }
                )
                for name in self.names
            }
        )

    @override
    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        r"""Return (B, \*T, reduced x modalities)."""
        single = features[self.names[0]].ndim == 2
        own = {}
        for name in self.names:
            x = features[name].unsqueeze(1) if single else features[name]
            if x.shape[1] != self.frames:
                raise UserError(
                    f"JointCrossAttention has frames: {self.frames}, but {name} has {x.shape[1]} "
                    "feature vectors per window"
                )
            own[name] = self.project[name](x) * self.as_mask(present[name], x)
        joint = torch.cat([own[name] for name in self.names], -1)
        attended = [self._attend(name, own[name], joint, present[name]) for name in self.names]
        fused = torch.cat(attended, -1)
        return fused.squeeze(1) if single else fused

    def _attend(self, name: str, x: Tensor, joint: Tensor, present: Tensor) -> Tensor:
        """Return (B, T, d) from one modality's (B, T, d) and J, (B, T, d_J)."""
        steps = self.steps[name]
        assert isinstance(steps, nn.ModuleDict)
        transposed = x.transpose(1, 2)
        correlation = (steps["affine"](transposed) @ joint / math.sqrt(self.joint)).tanh()
        hidden = (steps["own"](transposed) + steps["joint"](correlation)).relu()
        attended: Tensor = steps["back"](hidden).transpose(1, 2) + x
        return attended * self.as_mask(present, attended)
