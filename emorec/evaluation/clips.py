"""Decisions on clips, and their metrics."""

from math import isfinite
from typing import NamedTuple

from torch import Tensor

from emorec.evaluation.measures import MEASURES


class Votes(NamedTuple):
    """Decisions on C clips, sorted by the clip's position.

    Attributes:
        clip: int64 (C,), position of the clip in the data module's list.
        scores: float32 (C, O), the mean of the segments' scores.
        target: int64 (C,); -1 where unlabelled.
        segments: int64 (C,), number of segments that voted.
    """

    clip: Tensor
    scores: Tensor
    target: Tensor
    segments: Tensor


class ClipMetrics(NamedTuple):
    """Metrics of labelled clips.

    Attributes:
        clips: Number of labelled clips.
        scores: Name of each of :data:`~emorec.evaluation.measures.MEASURES` -> its value; None
            where undefined.
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
        votes: Decisions; unlabelled clips are ignored.
        classes: Number of classes.
    """
    from torchmetrics.functional.classification import multiclass_confusion_matrix  # lazy: slow

    labelled = votes.target >= 0
    predicted, target = votes.scores[labelled].argmax(1), votes.target[labelled]
    if not len(target):
        undefined: dict[str, float | None] = {each.name: None for each in MEASURES}
        return ClipMetrics(0, undefined, [None] * classes, [[0] * classes] * classes)
    confusion = multiclass_confusion_matrix(predicted, target, classes).double().cpu()
    scores = {each.name: float(each.of(confusion)) for each in MEASURES}
    true = confusion.sum(1)
    recall = confusion.diagonal() / true
    return ClipMetrics(
        len(target),
        {name: value if isfinite(value) else None for name, value in scores.items()},
        [float(r) if o else None for r, o in zip(recall, true > 0, strict=True)],
        confusion.long().tolist(),
    )
