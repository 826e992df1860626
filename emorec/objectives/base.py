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
        sizes: Widths, given by the task; ``features`` has the modalities, ``fused`` and, where
            there is a label encoder, ``label``.
        weight: Factor in the total loss (the paper's lambda).

    Attributes:
        parts: Name -> detached scalar of the last call, logged beside the loss.
        score_names: Names of what :meth:`scores` returns.
        of_epoch: Whether in validation it is of all batches together, and not the mean of what it
            is of each: :meth:`observe` takes note of them, :meth:`observed` evaluates it.
    """

    score_names: tuple[str, ...] = ()
    of_epoch: ClassVar[bool] = False

    def __init__(self, sizes: Sizes, *, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight
        self.parts: dict[str, Tensor] = {}

    def set_speakers(self, speaker_of_clip: Tensor) -> None:
        """Take note of who speaks in each clip; does nothing unless overridden.

        Called at the start of training and of validation, before the first batch; not for
        testing, where the task evaluates no loss and the data needs no speakers.

        Args:
            speaker_of_clip: int64 (clips,), the number of each clip's speaker by its position,
                which is ``SegmentBatch.clip``; -1 where it is not known.
        """

    def set_class_counts(self, counts: dict[str, Tensor]) -> None:
        """Take note of how many training clips each class has; does nothing unless overridden.

        Called like :meth:`set_speakers`.

        Args:
            counts: Target -> int64 (classes,), labelled training clips.
        """

    @abstractmethod
    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the loss of the batch, a scalar, without the weight."""

    def observe(self, bundle: FeatureBundle, batch: SegmentBatch) -> None:
        """Take note of a validation batch, where it is :attr:`of_epoch`."""

    def observed(self) -> Tensor:
        """Return the loss of all batches that were observed, and fill :attr:`parts`."""
        raise TypeError(f"{type(self).__name__} is of batches, not of epochs")

    def forget(self) -> None:
        """Drop what was observed."""

    def scores(self, bundle: FeatureBundle) -> dict[str, Tensor]:
        """Return logits (B, classes) or values (B, T, dimensions) to be evaluated, by name."""
        return {}


def mean_over_rows(values: Tensor, rows: Tensor) -> Tensor:
    """Return the mean of (B,) values over the valid rows of all ranks; 0 where there are none.

    On several ranks it is scaled so that DistributedDataParallel's mean of the ranks' gradients
    is the gradient of one process holding all rows, also when their valid rows are uneven.

    Args:
        values: float (B,).
        rows: bool (B,), the rows that count.
    """
    total = values.masked_fill(~rows, 0).sum()
    count = sum_over_ranks(rows.sum(dtype=torch.promote_types(total.dtype, torch.float32)))
    return total * (world_size() / count.clamp(min=1)).to(total.dtype)
