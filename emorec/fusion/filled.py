"""Filling in the features of absent modalities."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.functional import sum_over_ranks
from emorec.fusion.base import Fusion
from emorec.types import Sizes


class FilledFusion(Fusion):
    """Replaces the features of absent modalities before another fusion.

    To the inner fusion all modalities look present, except in rows without any.

    Args:
        sizes: Feature dimensions, given by the task.
        fusion: Makes the inner fusion.
        fill: ``zero``; ``mean``: the running mean of the modality's features in training (0.99 of
            the previous mean plus 0.01 of the batch's, over all ranks; the plain mean of the first
            hundred batches); ``learned``: a vector per modality, learned from training rows that
            lack it (see ModalityDropout).

    Examples:
        >>> sizes = Sizes(features={"audio": 4, "face": 6}, outputs={"emotion": 3})
        >>> from emorec.fusion import ConcatFusion
        >>> fusion = FilledFusion(sizes, lambda sizes: ConcatFusion(sizes, width=8), fill="mean")
        >>> features = {"audio": torch.ones(1, 4), "face": torch.zeros(1, 6)}
        >>> present = {"audio": torch.tensor([True]), "face": torch.tensor([False])}
        >>> fusion(features, present).shape
        torch.Size([1, 8])
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
        self.dim, self.relates_rows = self.fusion.dim, self.fusion.relates_rows
        self.learned = nn.ParameterDict()
        for name in self.names:
            if fill == "learned":
                self.learned[name] = nn.Parameter(torch.zeros(sizes.features[name]))
            elif fill == "mean":
                self.register_buffer(f"mean_{name}", torch.zeros(sizes.features[name]))
        count = torch.zeros(len(self.names), dtype=torch.int64)
        self.register_buffer("batches", count)  # with the modality

    @override
    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        return self.related(features, present, None)

    @override
    def related(
        self, features: dict[str, Tensor], present: dict[str, Tensor], context: Tensor | None
    ) -> Tensor:
        if self.fill == "mean" and self.training:
            self._observe(features, present)
        any_present = torch.stack([present[name] for name in self.names]).any(0)
        filled = {}
        for name in self.names:
            x = features[name]
            mask = self.as_mask(present[name], x)
            filled[name] = x * mask + self._filling(name).to(x.dtype) * (1 - mask)
        every = dict.fromkeys(self.names, any_present)
        return self.fusion.related(filled, every, context)

    @override
    def observe_validation(
        self, features: dict[str, Tensor], present: dict[str, Tensor], target: Tensor
    ) -> None:
        self.fusion.observe_validation(features, present, target)

    @override
    def fit_on_validation(self) -> bool:
        return self.fusion.fit_on_validation()

    @override
    def head(self, outputs: int) -> nn.Module:
        """Return the head of the inner fusion."""
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
