"""The label network of Ma et al. 2020."""

import torch
from torch import Tensor, nn

from emorec.encoders.base import LabelEncoder
from emorec.types import Sizes


class OneHotLabelEncoder(LabelEncoder):
    """One-hot label -> one fully connected layer (Ma et al. 2020, label network h).

    Args:
        sizes: Widths, given by the task.
        dim: Width of the features; the paper's 512.
        target: Which target's classes.
    """

    def __init__(self, sizes: Sizes, dim: int = 512, target: str = "emotion") -> None:
        super().__init__(sizes)
        self.dim = dim
        self.classes = sizes.outputs[target]
        self.linear = nn.Linear(self.classes, dim)

    def forward(self, target: Tensor) -> Tensor:
        """Return float features (B, dim) of int64 class indices (B,), or of shares (B, classes)."""
        if target.is_floating_point():  # rows of mixed labels
            mixed: Tensor = self.linear(target.to(self.linear.weight.dtype))
            return mixed
        one_hot = torch.nn.functional.one_hot(target, self.classes)
        features: Tensor = self.linear(one_hot.to(self.linear.weight.dtype))
        return features
