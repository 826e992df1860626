"""The interface of augmentations."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.errors import UserError
from emorec.types import SegmentBatch


class Augmentation(nn.Module, ABC):
    """Changes training batches on their device, never validation and test batches.

    It uses torch's global generator, which training reseeds each epoch. Inputs are as extracted
    (uint8 pictures, log-mels, samples), before standardisation.

    Attributes:
        shown: Modalities that the training stage shows; None: all. Set by the data module.
        classes: Target -> number of classes. Set by the data module.
        speakers: int64 (clips,), the speaker of each clip by its position, -1 where unknown. Set by
            the data module.
    """

    shown: list[str] | None = None
    classes: Mapping[str, int] = MappingProxyType({})
    speakers: Tensor = torch.empty(0, dtype=torch.int64)

    def bind(
        self, shown: list[str] | None, classes: Mapping[str, int], speakers: Tensor | None = None
    ) -> None:
        """Set the attributes, also of nested augmentations."""
        for module in self.modules():
            if isinstance(module, Augmentation):
                module.shown, module.classes = shown, classes
                module.speakers = module.speakers if speakers is None else speakers

    @abstractmethod
    def forward(self, batch: SegmentBatch) -> SegmentBatch:
        """Return the batch as the model is to see it; the given one is not modified."""


class Augmentations(Augmentation):
    """Several augmentations, one after the other.

    Args:
        steps: In order.
    """

    def __init__(self, steps: list[Augmentation]) -> None:
        super().__init__()
        self.steps = nn.ModuleList(steps)

    @override
    def forward(self, batch: SegmentBatch) -> SegmentBatch:
        for step in self.steps:
            batch = step(batch)
        return batch


class InputAugmentation(Augmentation):
    """The base of augmentations of one modality's arrays, row by row.

    Args:
        modality: Whose arrays.
        rate: Share of rows that are changed, 0 to 1.
    """

    def __init__(self, modality: str, rate: float = 1.0) -> None:
        super().__init__()
        if not 0 <= rate <= 1:
            raise UserError(f"rate must be a share of rows from 0 to 1, got {rate}")
        self.modality, self.rate = modality, rate

    @abstractmethod
    def change(self, x: Tensor) -> Tensor:
        """Return float32 arrays (B, ...) of the same shape for float32 ones."""

    @override
    def forward(self, batch: SegmentBatch) -> SegmentBatch:
        """Return the batch with changed arrays where the modality is present.

        Raises:
            UserError: The batch does not have the modality.
        """
        if self.modality not in batch.inputs:
            raise UserError(
                f"{type(self).__name__} changes {self.modality!r}, but the data has "
                f"{', '.join(sorted(batch.inputs))}"
            )
        x = batch.inputs[self.modality].float()
        drawn = torch.rand(len(batch), device=x.device) < self.rate
        rows = drawn & batch.present[self.modality]
        changed = torch.where(rows.view(-1, *[1] * (x.ndim - 1)), self.change(x), x)
        return replace(batch, inputs={**batch.inputs, self.modality: changed})
