"""What stands in the place of an absent modality's feature."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from emorec.functional import sum_over_ranks
from emorec.fusion.base import Fusion
from emorec.types import Sizes


class FilledFusion(Fusion):
    """Another fusion, after absent features were replaced.

    To the fusion inside, all modalities then look present, except where a row has none at all.

    Args:
        sizes: Widths, given by the task.
        fusion: Makes the fusion that gets the features.
        fill: ``zero``; ``mean``: the running mean of the modality's features in training (0.99 of
            the mean before, 0.01 of the batch's, over all ranks; of the first hundred batches the
            plain mean); ``learned``: a vector a
            modality, which learns where rows of the training lack it (see ModalityDropout).
    """

    def __init__(
        self,
        sizes: Sizes,
        fusion: Callable[[Sizes], Fusion],
        fill: Literal["zero", "mean", "learned"] = "learned",
    ) -> None:
        super().__init__(sizes)
        self.names, self.fill = sorted(sizes.features), fill
        self.fusion = fusion(sizes)
        self.dim = self.fusion.dim
        self.learned = nn.ParameterDict()
        for name in self.names:
            if fill == "learned":
                self.learned[name] = nn.Parameter(torch.zeros(sizes.features[name]))
            elif fill == "mean":
                self.register_buffer(f"mean_{name}", torch.zeros(sizes.features[name]))
        count = torch.zeros(len(self.names), dtype=torch.int64)
        self.register_buffer("batches", count)  # that had the modality

    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        r"""Return (B, \*T, dim) of the fusion inside; see the base class."""
        if self.fill == "mean" and self.training:
            self._observe(features, present)
        anything = torch.stack([present[name] for name in self.names]).any(0)
        filled = {}
        for name in self.names:
            x = features[name]
            there = self.there(present[name], x)
            filled[name] = x * there + self._filling(name).to(x.dtype) * (1 - there)
        fused: Tensor = self.fusion(filled, dict.fromkeys(self.names, anything))
        return fused

    def observe_validation(
        self, features: dict[str, Tensor], present: dict[str, Tensor], target: Tensor
    ) -> None:
        """Tell the fusion inside."""
        self.fusion.observe_validation(features, present, target)

    def fit_on_validation(self) -> bool:
        """Tell the fusion inside."""
        return self.fusion.fit_on_validation()

    def head(self, outputs: int) -> nn.Module:
        """Return the head of the fusion inside."""
        return self.fusion.head(outputs)

    def _filling(self, name: str) -> Tensor:
        if self.fill == "zero":
            return torch.zeros((), device=self.get_buffer("batches").device)
        filling: Tensor
        filling = self.learned[name] if self.fill == "learned" else self.get_buffer(f"mean_{name}")
        return filling

    @torch.no_grad()
    def _observe(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> None:
        counts = self.get_buffer("batches")
        for i, name in enumerate(self.names):
            x = features[name].detach().float()
            rows = x[present[name]].reshape(-1, x.shape[-1])
            count = rows.new_tensor([float(len(rows))])
            total = sum_over_ranks(torch.cat([rows.sum(0), count]))
            if total[-1] > 0:
                counts[i] += 1
                mean = self.get_buffer(f"mean_{name}")
                share = max(0.01, 1 / int(counts[i]))
                mean.lerp_((total[:-1] / total[-1]).to(mean.dtype), share)
