"""Predictions for segments, gathered from all batches and ranks."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from emorec.evaluation.clips import Votes
from emorec.evaluation.traces import WindowValues
from emorec.functional import first_rows


class ClipVote(Metric):
    """Mean of the segments' posteriors of each clip (Ma et al. 2020: its argmax is the vote).

    A segment counts once, by its (clip, index) key, even if a sampler repeats segments to give
    all ranks the same number; the result is that of one process.
    """

    full_state_update = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in ("scores", "target", "clip", "index"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def _wrap_compute(self, compute: Callable[..., Any]) -> Callable[..., Any]:
        wrapped = super()._wrap_compute(compute)

        @wraps(compute)
        def vectors() -> Votes:
            # Torchmetrics squeezes results of one element: a single clip would give scalars.
            clip, scores, target, segments = wrapped()
            return Votes(
                clip.reshape(-1),
                scores.reshape(clip.numel(), -1) if clip.numel() else scores,
                target.reshape(-1),
                segments.reshape(-1),
            )

        return vectors

    def update(self, scores: Tensor, target: Tensor, clip: Tensor, index: Tensor) -> None:
        """Add segments.

        Args:
            scores: float (B, O), class probabilities.
            target: int64 (B,), the class; -1 where unlabelled.
            clip: int64 (B,), position of the clip.
            index: int64 (B,), window of the clip.
        """
        rows = {"scores": scores.detach().float(), "target": target, "clip": clip, "index": index}
        for name, value in rows.items():
            getattr(self, name).append(value)

    def compute(self) -> Votes:
        """Return the decisions over all ranks."""
        scores, target, clip, index = (
            dim_zero_cat(getattr(self, name)) for name in ("scores", "target", "clip", "index")
        )
        keys, first = first_rows(torch.stack([clip, index], 1))
        clips, of, count = torch.unique(keys[:, 0], return_inverse=True, return_counts=True)
        # Summed in float64, sorted by key: the same on any number of ranks.
        total = scores.new_zeros(len(clips), scores.shape[1], dtype=torch.float64)
        total.index_add_(0, of, scores[first].double())
        clip_target = target.new_zeros(len(clips)).scatter(0, of, target[first])
        return Votes(clips, (total / count.unsqueeze(1)).float(), clip_target, count)


class WindowCollection(Metric):
    """Collects the values of windows over all ranks; a window counts once."""

    full_state_update = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in WindowValues._fields:
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, values: Tensor, clip: Tensor, window: Tensor) -> None:
        """Add windows.

        Args:
            values: float (B, T, dimensions).
            clip: int64 (B,), position of the clip.
            window: int64 (B,), window of the clip.
        """
        rows = {"values": values.detach().float(), "clip": clip, "window": window}
        for name, value in rows.items():
            getattr(self, name).append(value)

    def compute(self) -> WindowValues:
        """Return the windows of all ranks."""
        clip, window, values = (dim_zero_cat(getattr(self, n)) for n in WindowValues._fields)
        keys, first = first_rows(torch.stack([clip, window], 1))
        return WindowValues(keys[:, 0], keys[:, 1], values[first])
