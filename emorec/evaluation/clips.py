"""From segment scores to clip decisions, and what is measured on them."""

from collections.abc import Callable
from functools import wraps
from math import isfinite
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.classification import multiclass_confusion_matrix
from torchmetrics.utilities import dim_zero_cat

from emorec.evaluation.measures import MEASURES
from emorec.functional import first_rows


class Votes(NamedTuple):
    """Decisions on C clips, in order of the clip's position.

    Attributes:
        clip: int64 (C,), position of the clip in the data module's list.
        scores: float32 (C, O), the mean of the segments' scores.
        target: int64 (C,); -1 where unlabelled.
        segments: int64 (C,), how many segments voted.
    """

    clip: Tensor
    scores: Tensor
    target: Tensor
    segments: Tensor


class ClipVote(Metric):
    """Mean of the segments' posteriors of each clip (Ma et al. 2020: argmax of it is the vote).

    A segment counts once, by its (clip, index) key, also where a sampler repeats segments to give
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
            # Torchmetrics squeezes results of one element: a single clip would leave scalars.
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
            index: int64 (B,), which window of it.
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
        # Summed in double, in order of the keys: the same on any number of ranks.
        total = scores.new_zeros(len(clips), scores.shape[1], dtype=torch.float64)
        total.index_add_(0, of, scores[first].double())
        clip_target = target.new_zeros(len(clips)).scatter(0, of, target[first])
        return Votes(clips, (total / count.unsqueeze(1)).float(), clip_target, count)


class ClipMetrics(NamedTuple):
    """What is measured on labelled clips.

    Attributes:
        clips: Number of labelled clips.
        scores: Name of each of :data:`~emorec.evaluation.measures.MEASURES` -> its value; None
            where it cannot be computed.
        recall: Recall of each class, 0 to 1; None for a class that does not occur.
        confusion: Confusion matrix, rows true, columns predicted, in clips.
    """

    clips: int
    scores: dict[str, float | None]
    recall: list[float | None]
    confusion: list[list[int]]


def clip_metrics(votes: Votes, classes: int) -> ClipMetrics:
    """Return the metrics of labelled clips.

    Args:
        votes: Decisions; unlabelled clips are left out.
        classes: Number of classes.
    """
    labelled = votes.target >= 0
    predicted, target = votes.scores[labelled].argmax(1), votes.target[labelled]
    if not len(target):
        nothing: dict[str, float | None] = {each.name: None for each in MEASURES}
        return ClipMetrics(0, nothing, [None] * classes, [[0] * classes] * classes)
    confusion = multiclass_confusion_matrix(predicted, target, classes).double().cpu()
    found = {each.name: float(each.of(confusion)) for each in MEASURES}
    true = confusion.sum(1)
    recall = confusion.diagonal() / true
    return ClipMetrics(
        len(target),
        {name: value if isfinite(value) else None for name, value in found.items()},
        [float(r) if o else None for r, o in zip(recall, true > 0, strict=True)],
        confusion.long().tolist(),
    )
