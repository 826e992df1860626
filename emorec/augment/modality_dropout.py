"""Drops whole modalities in training, so that the model copes when they are missing."""

from dataclasses import replace
from typing import Literal

import torch
from typing_extensions import override

from emorec.augment.base import Augmentation
from emorec.errors import UserError
from emorec.types import SegmentBatch


class ModalityDropout(Augmentation):
    """Drops whole modalities from random rows, never the last one that a stage shows.

    Neverova et al. 2016 (ModDrop, https://arxiv.org/abs/1501.00102). To the model, such a row is
    one that never had the modality.

    Args:
        rate: Probability, 0 to below 1, of dropping each modality of a row; a row that would lose
            all keeps one of them.
        modalities: Which can be dropped; None: all.
        unit: ``segment``: each row independently; ``clip``: all rows of a clip in the batch alike.
    """

    def __init__(
        self,
        rate: float = 0.2,
        modalities: list[str] | None = None,
        unit: Literal["segment", "clip"] = "segment",
    ) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise UserError(f"rate must be a probability from 0 to below 1, got {rate}")
        self.rate, self.modalities, self.unit = rate, modalities, unit

    @override
    def forward(self, batch: SegmentBatch) -> SegmentBatch:
        """Return the batch with fewer modalities.

        Raises:
            UserError: The batch lacks one of the named modalities.
        """
        names = sorted(batch.present)
        seen = names if self.shown is None else self.shown
        unknown = sorted(set(self.modalities or []) - set(names))
        if unknown:
            raise UserError(
                f"ModalityDropout drops {', '.join(unknown)}, but the data has {', '.join(names)}"
            )
        _, of = torch.unique(batch.clip, return_inverse=True)
        rows = of if self.unit == "clip" else torch.arange(len(batch), device=of.device)
        names = [name for name in names if name in seen]
        present_before = torch.stack([batch.present[name] for name in names])
        drawn = torch.rand(len(names), len(batch), device=of.device)[:, rows]
        can = torch.tensor([self.modalities is None or n in self.modalities for n in names])
        lost = (drawn < self.rate) & can.to(of.device).unsqueeze(1)
        left = present_before & ~lost
        # A row that would lose everything keeps the modality with the highest draw.
        keep = drawn.masked_fill(~present_before, -1).argmax(0)
        back = torch.nn.functional.one_hot(keep, len(names)).T.bool() & present_before
        left = torch.where(left.any(0), left, back)
        present = {**batch.present, **dict(zip(names, left, strict=True))}
        inputs = {
            n: x.masked_fill(~present[n].view(-1, *[1] * (x.ndim - 1)), 0)
            for n, x in batch.inputs.items()
        }
        return replace(batch, inputs=inputs, present=present)
