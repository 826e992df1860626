"""The interface of an objective."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from emorec.functional import sum_over_ranks, world_size
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class Objective(nn.Module, ABC):
    """A loss with a weight; the task minimises the weighted sum of its objectives.

    It may own layers that only a loss needs. Every rank must call it for every batch: a rank
    without a valid row returns zero and still takes part in sums over ranks.

    Args:
        sizes: Feature dimensions, given by the task; of the modalities, ``fused`` and, with a label
            encoder, ``label``.
        weight: Factor in the total loss (the paper's lambda).

    Attributes:
        parts: Name -> detached scalar of the last call, logged with the loss.
        score_names: Keys of what :meth:`scores` returns.
        of_epoch: Whether validation computes it over the whole epoch instead of averaging over
            batches: :meth:`observe` collects them, :meth:`observed` computes it.
    """

    score_names: tuple[str, ...] = ()
    of_epoch: ClassVar[bool] = False

    def __init__(self, sizes: Sizes, *, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight
        self.parts: dict[str, Tensor] = {}

    def set_speakers(self, speaker_of_clip: Tensor) -> None:
        """Receive the speaker of each clip; does nothing unless overridden.

        Called before the first batch of training and of validation; not for testing, which
        computes no loss and whose data needs no speakers.

        Args:
            speaker_of_clip: int64 (clips,), the speaker's number by the clip's position
                (``SegmentBatch.clip``); -1 where unknown.
        """

    def set_class_counts(self, counts: dict[str, Tensor]) -> None:
        """Receive the number of training clips of each class; does nothing unless overridden.

        Called like :meth:`set_speakers`.

        Args:
            counts: Target -> int64 (classes,), labelled training clips.
        """

    @abstractmethod
    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the loss of the batch, a scalar, without the weight."""

    def observe(self, bundle: FeatureBundle, batch: SegmentBatch) -> None:
        """Collect a validation batch, if :attr:`of_epoch`."""

    def observed(self) -> Tensor:
        """Return the loss of all collected batches, and set :attr:`parts`."""
        raise TypeError(f"{type(self).__name__} is computed per batch, not per epoch")

    def forget(self) -> None:
        """Drop the collected batches."""

    def scores(self, bundle: FeatureBundle) -> dict[str, Tensor]:
        """Return name -> logits (B, classes) or values (B, T, dimensions) to be evaluated."""
        return {}


def mean_over_rows(values: Tensor, rows: Tensor) -> Tensor:
    """Return the mean of (B,) values over the valid rows of all ranks; 0 without any.

    On several ranks it is scaled so that DistributedDataParallel's mean of the ranks' gradients
    is the gradient of one process with all rows, even if ranks have different numbers of them.

    Args:
        values: float (B,).
        rows: bool (B,), the valid rows.
    """
    total = values.masked_fill(~rows, 0).sum()
    count = sum_over_ranks(rows.sum(dtype=torch.promote_types(total.dtype, torch.float32)))
    return total * (world_size() / count.clamp(min=1)).to(total.dtype)
