"""From segment scores to clip decisions, and what is measured on them."""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.classification import multiclass_confusion_matrix
from torchmetrics.utilities import dim_zero_cat

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
    """Metrics over labelled clips; None for what cannot be computed.

    Attributes:
        clips: Number of labelled clips.
        accuracy: Share of clips decided rightly, 0 to 1 (also called WA or WAR).
        uar: Unweighted average recall over the classes that occur, 0 to 1.
        macro_f1: Mean F1 over the classes that occur, 0 to 1.
        weighted_f1: The same, each class by its number of clips: what MELD is judged by.
        recall: Recall of each class, 0 to 1; None for a class that does not occur.
        confusion: Confusion matrix, rows true, columns predicted, in clips.
    """

    clips: int
    accuracy: float | None
    uar: float | None
    macro_f1: float | None
    weighted_f1: float | None
    recall: list[float | None]
    confusion: list[list[int]]


def clip_metrics(votes: Votes, classes: int) -> ClipMetrics:
    """Return the metrics of labelled clips.

    A class without a clip counts neither in UAR nor in macro F1: averaging a 0 for it would
    blame the model for the split.

    Args:
        votes: Decisions; unlabelled clips are left out.
        classes: Number of classes.
    """
    labelled = votes.target >= 0
    predicted, target = votes.scores[labelled].argmax(1), votes.target[labelled]
    if not len(target):
        return ClipMetrics(0, None, None, None, None, [None] * classes, [[0] * classes] * classes)
    confusion = multiclass_confusion_matrix(predicted, target, classes).double().cpu()
    right, true, said = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    occurs = true > 0
    recall = right / true
    f1 = 2 * right / (true + said)
    return ClipMetrics(
        len(target),
        float(right.sum() / len(target)),
        float(recall[occurs].mean()),
        float(f1[occurs].mean()),
        float((f1[occurs] * true[occurs]).sum() / true.sum()),
        [float(r) if o else None for r, o in zip(recall, occurs, strict=True)],
        confusion.long().tolist(),
    )
