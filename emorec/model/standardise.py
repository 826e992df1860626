"""Standardisation with statistics stored in the weights."""

from typing import Any

import torch
from torch import Tensor, nn

from emorec.types import Array


class Standardise(nn.Module):
    """(x - mean) / deviation of one modality; the statistics are buffers stored in checkpoints.

    They are 0 and 1 until set by :meth:`set` or a checkpoint.
    """

    mean: Tensor
    deviation: Tensor
    known: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("deviation", torch.ones(()))
        self.register_buffer("known", torch.tensor(False))

    def set(self, mean: Array, deviation: Array) -> None:
        """Set the statistics, which must broadcast against one window of the modality."""
        self.mean = torch.as_tensor(mean, dtype=torch.float32, device=self.mean.device)
        self.deviation = torch.as_tensor(deviation, dtype=torch.float32, device=self.mean.device)
        self.known = torch.tensor(True, device=self.mean.device)

    def forward(self, x: Tensor) -> Tensor:
        """Return float32 (B, ...) from any real (B, ...); NaN (padding) becomes 0."""
        standard = (x.float() - self.mean) / self.deviation
        return standard.masked_fill(standard.isnan(), 0)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        # Their shape depends on the modality, which only the checkpoint knows.
        for name in ("mean", "deviation"):
            saved = state_dict.get(prefix + name)
            if saved is not None:
                setattr(self, name, torch.empty_like(saved, device=self.mean.device))
        super()._load_from_state_dict(state_dict, prefix, *args)
