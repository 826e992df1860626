"""Optional projection and scaling of features before they are correlated."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from emorec.functional import sum_over_ranks
from emorec.types import Sizes

ScaleKind = Literal["none", "calibrated", "learned"]


def compared_widths(sizes: Sizes, projection: int | None) -> dict[str, int] | None:
    """Return the dimension of each feature set after projection; None without one."""
    return dict.fromkeys(sizes.features, projection) if projection else None


def make_projections(sizes: Sizes, names: Sequence[str], projection: int | None) -> nn.ModuleDict:
    """Return a linear layer for each named feature set; empty without a projection."""
    widths = sizes.features
    return nn.ModuleDict({n: nn.Linear(widths[n], projection) for n in names} if projection else {})


def make_scales(names: Sequence[str], scale: ScaleKind) -> nn.ModuleDict:
    """Return a scale for each named feature set; empty for ``none``."""
    if scale == "none":
        return nn.ModuleDict()
    return nn.ModuleDict({name: Scale(learned=scale == "learned") for name in names})


def project_and_scale(
    name: str, features: Tensor, rows: Tensor, projections: nn.ModuleDict, scales: nn.ModuleDict
) -> Tensor:
    """Return a feature set (B, k) after projection and scaling.

    Args:
        name: Name of the feature set.
        features: (B, D).
        rows: bool (B,), the rows where it is present.
        projections: From :func:`make_projections`.
        scales: From :func:`make_scales`.
    """
    if name in projections:
        features = projections[name](features)
    if name in scales:
        features = scales[name](features, rows)
    return features


class Scale(nn.Module):
    """A factor for a feature set that gives it a total variance of 1 in the first training batch.

    That is the first call with gradients enabled: a stage that does not train the objectives keeps
    them in eval mode, but must calibrate too.

    Args:
        learned: Learn a further factor.
    """

    known: Tensor
    factor: Tensor

    def __init__(self, *, learned: bool) -> None:
        super().__init__()
        self.register_buffer("known", torch.tensor(False))
        self.register_buffer("factor", torch.ones(()))
        self.log_change = nn.Parameter(torch.zeros(())) if learned else None

    def forward(self, features: Tensor, rows: Tensor) -> Tensor:
        """Return features (B, k) times the factor; rows, bool (B,), select those to measure."""
        if torch.is_grad_enabled() and not self.known:
            self._measure(features.detach().float(), rows)
        factor = self.factor if self.log_change is None else self.factor * self.log_change.exp()
        return features * factor

    @torch.no_grad()
    def _measure(self, features: Tensor, rows: Tensor) -> None:
        features = features.masked_fill(~rows.unsqueeze(1), 0)
        total = sum_over_ranks(torch.cat([features.sum(0), rows.sum().float().unsqueeze(0)]))
        n, mean = total[-1], total[:-1] / total[-1].clamp(min=1)
        squares = (features - mean).masked_fill(~rows.unsqueeze(1), 0).square().sum()
        variance = sum_over_ranks(squares) / (n - 1).clamp(min=1)
        if variance > 0:
            self.factor.copy_(variance.rsqrt())
            self.known.fill_(True)
