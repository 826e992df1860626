"""Capsules of each modality that agree on a class: routing by agreement."""

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.errors import UserError
from emorec.fusion.base import Fusion
from emorec.types import Sizes

SMALLEST = 1e-8  # added to squared lengths, so that their logarithm and root have gradients


class CapsuleFusion(Fusion):
    r"""Each modality's capsules vote for classes, and count as far as they agree.

    Capsule i of modality m is u = squash(W f + b), squash(s) = |s|^2 / (1 + |s|^2) s / |s|; its
    vote for class j is V_j u. With b = 0 at first: c = softmax over classes of b, s_j = the sum of
    c times the votes, v_j = squash(s_j), b += <vote, v_j>; gradients flow through the last round
    only. The output is log \|v_j\|, whose softmax is \|v_j\| divided by their sum. Routing by
    agreement is that of Sabour, Frosst, Hinton 2017 (https://arxiv.org/abs/1710.09829, procedure 1,
    where V is 8 x 16 and its rounds are 3); that each modality has capsules and absent ones do not
    vote is ours: Sanku and Sandhya 2025 name a capsule network on fused features, no equation.
    Computed in float32.

    Args:
        sizes: Feature dimensions, given by the task.
        capsules: Capsules of each modality.
        width: Dimension of capsules and votes.
        iterations: Rounds of routing; 1: votes are summed with equal weights.
        target: Name of the target.

    Raises:
        UserError: A number is below 1, or there is no such target.
    """

    def __init__(
        self,
        sizes: Sizes,
        capsules: int = 8,
        width: int = 16,
        iterations: int = 3,
        *,
        target: str = "emotion",
    ) -> None:
        super().__init__(sizes)
        if min(capsules, width, iterations) < 1:
            raise UserError(
                "capsules, width and iterations must be at least 1, got "
                f"{capsules}, {width} and {iterations}"
            )
        if target not in sizes.outputs:
            raise UserError(f"no target {target!r}; the targets are {', '.join(sizes.outputs)}")
        self.names, self.dim = sorted(sizes.features), sizes.outputs[target]
        self.capsules, self.width, self.iterations = capsules, width, iterations
        self.primary = nn.ModuleDict(
            {name: nn.Linear(sizes.features[name], capsules * width) for name in self.names}
        )
        count = capsules * len(self.names)
        # So a vote is about as long as its capsule.
        self.to_votes = nn.Parameter(torch.randn(count, self.dim, width, width) * width**-0.5)

    @override
    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        r"""Return log lengths (B, \*T, classes), float32, below 0."""
        total = self._route(features, present)[0]
        squared = total.square().sum(-1)
        return (squared + SMALLEST).log() - squared.log1p()

    def shares(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> dict[str, Tensor]:
        r"""Return modality -> (B, \*T, classes): its part of the routing to each class.

        The parts of all modalities add up to 1, or are 0 in rows without any.
        """
        routing = self._route(features, present)[1]
        each = torch.stack(routing.chunk(len(self.names), -2), -3).sum(-2)
        parts = each / each.sum(-2, keepdim=True).clamp(min=SMALLEST)
        return dict(zip(self.names, parts.unbind(-2), strict=True))

    def _route(
        self, features: dict[str, Tensor], present: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        r"""Return s (B, \*T, classes, width), and c (B, \*T, capsules of all, classes)."""
        device = features[self.names[0]].device.type
        with torch.autocast(device, enabled=False):
            own = [self.primary[name](features[name].float()) for name in self.names]
            capsules = squash(torch.cat(own, -1).reshape(*own[0].shape[:-1], -1, self.width))
            masks = [self.as_mask(present[n], features[n]).float() for n in self.names]
            mask = torch.cat(masks, -1).repeat_interleave(self.capsules, -1).unsqueeze(-1)
            votes = torch.einsum("...nw,ncwv->...ncv", capsules, self.to_votes.float())
            still = votes.detach()
            agreement = torch.zeros_like(votes[..., 0])
            for _ in range(self.iterations - 1):
                routing = agreement.softmax(-1) * mask
                v = squash((routing.unsqueeze(-1) * still).sum(-3))
                agreement = agreement + (still * v.unsqueeze(-3)).sum(-1)
            routing = agreement.softmax(-1) * mask
            return (routing.unsqueeze(-1) * votes).sum(-3), routing

    @override
    def head(self, outputs: int) -> nn.Module:
        """Return the identity: the fused feature is the scores.

        Raises:
            UserError: The model's target is not the fusion's.
        """
        if outputs != self.dim:
            raise UserError(
                f"CapsuleFusion votes for {self.dim} classes, the model's target has {outputs}"
            )
        return nn.Identity()


def squash(x: Tensor) -> Tensor:
    """Return vectors (..., width) of the same direction and a length below 1."""
    squared = x.square().sum(-1, keepdim=True)
    return x * (squared + SMALLEST).sqrt() / (1 + squared)
