"""The label network of Ma et al. 2020."""

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.encoders.base import LabelEncoder
from emorec.types import Sizes


class OneHotLabelEncoder(LabelEncoder):
    """One-hot label -> one fully connected layer (Ma et al. 2020, label network h).

    Args:
        sizes: Feature dimensions, given by the task.
        dim: Feature dimension; the paper's 512.
        target: Name of the target.
    """

    def __init__(self, sizes: Sizes, dim: int = 512, target: str = "emotion") -> None:
        super().__init__(sizes)
        self.dim = dim
        self.classes = sizes.outputs[target]
        self.linear = nn.Linear(self.classes, dim)

    @override
    def forward(self, target: Tensor) -> Tensor:
        """Return features (B, dim) of classes, int64 (B,), or class probabilities (B, classes)."""
        if target.is_floating_point():  # mixed labels
            mixed: Tensor = self.linear(target.to(self.linear.weight.dtype))
            return mixed
        one_hot = torch.nn.functional.one_hot(target, self.classes)
        features: Tensor = self.linear(one_hot.to(self.linear.weight.dtype))
        return features
