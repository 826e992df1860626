"""Mixup: segments between two clips, alike in all modalities."""

from dataclasses import replace

import torch
from torch.nn.functional import one_hot
from typing_extensions import override

from emorec.augment.base import Augmentation
from emorec.errors import UserError
from emorec.types import SegmentBatch


class Mixup(Augmentation):
    """Each row becomes lam x itself + (1 - lam) x another row, in all modalities and in the label.

    Zhang et al. 2018 (https://arxiv.org/abs/1710.09412), with lam ~ Beta(alpha, alpha) for each
    row. Only rows with the same modalities and the same labelled targets are mixed; others stay.
    Padded sequences keep their lengths. The target becomes shares of classes, float32 (B, classes),
    for losses on class scores; losses on distances of classes leave mixed rows out.

    Args:
        alpha: Above 0; small values mix little.
        target: Name of the target.
    """

    def __init__(self, alpha: float = 0.2, target: str = "emotion") -> None:
        super().__init__()
        if alpha <= 0:
            raise UserError(f"alpha must be above 0, got {alpha}")
        self.alpha, self.target = alpha, target

    @override
    def forward(self, batch: SegmentBatch) -> SegmentBatch:
        """Return the mixed batch.

        Raises:
            UserError: The data has no such target.
        """
        if self.target not in self.classes:
            raise UserError(f"Mixup mixes {self.target!r}; the data has {', '.join(self.classes)}")
        device = batch.clip.device
        other = torch.randperm(len(batch), device=device)
        shape = torch.full((len(batch),), self.alpha, device=device)
        lam = torch.distributions.Beta(shape, shape).sample()
        # Above 0.5, a row is more itself than the other, so its clip index stays valid.
        lam = torch.maximum(lam, 1 - lam)
        masks = [*batch.present.values(), *batch.labelled.values()]
        alike = torch.stack([mask == mask[other] for mask in masks]).all(0)
        lam = torch.where(alike, lam, 1.0)
        inputs = {}
        for name, x in batch.inputs.items():
            share = lam.view(-1, *[1] * (x.ndim - 1))
            x = x.float()
            mixed = share * x + (1 - share) * x[other]
            # Padding of a sequence is NaN: a row keeps its own steps where the other has none.
            inputs[name] = torch.where(x[other].isnan(), x, mixed)
        target = batch.targets[self.target]
        if not target.is_floating_point():
            target = one_hot(target, self.classes[self.target]).float()
        share = lam.unsqueeze(1)
        shares = share * target + (1 - share) * target[other]
        return replace(batch, inputs=inputs, targets={**batch.targets, self.target: shares})
