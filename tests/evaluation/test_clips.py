"""Votes and clip metrics against literal computations."""

from collections import defaultdict

import pytest
import torch
from torch import Tensor

from emorec.evaluation.clips import ClipMetrics, Votes, clip_metrics
from emorec.evaluation.gather import ClipVote

CLASSES = 4


def segments() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return scores, target, clip and index of 25 segments of clips 2, 3, 5, 7 and 11."""
    random = torch.Generator().manual_seed(0)
    scores = torch.randn(25, CLASSES, generator=random).softmax(1)
    clip = torch.tensor([2, 3, 5, 7, 11]).repeat_interleave(5)
    target = torch.tensor([0, 3, -1, 1, 0]).repeat_interleave(5)
    keep = torch.arange(25) != 8  # a clip may have fewer windows
    return scores[keep], target[keep], clip[keep], torch.arange(5).repeat(5)[keep]


def vote(order: Tensor, size: int = 10) -> Votes:
    metric = ClipVote()
    for part in torch.split(order, size):
        metric.update(*(values[part] for values in segments()))
    votes: Votes = metric.compute()
    return votes


def test_a_clips_scores_are_the_mean_of_its_segments() -> None:
    scores, _, clip, _ = segments()
    sums: dict[int, list[list[float]]] = defaultdict(list)
    for row, of in zip(scores.tolist(), clip.tolist(), strict=True):
        sums[of].append(row)
    votes = vote(torch.arange(24))
    assert votes.clip.tolist() == [2, 3, 5, 7, 11]
    assert votes.segments.tolist() == [5, 4, 5, 5, 5]
    assert votes.target.tolist() == [0, 3, -1, 1, 0]
    assert votes.scores.dtype == torch.float32
    for of, found in zip(votes.clip.tolist(), votes.scores.tolist(), strict=True):
        rows = sums[of]
        expected = [sum(row[c] for row in rows) / len(rows) for c in range(CLASSES)]
        assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("size", [1, 7, 24])
def test_neither_order_nor_batches_change_the_vote(size: int) -> None:
    order = torch.randperm(24, generator=torch.Generator().manual_seed(size))
    for found, expected in zip(vote(order, size), vote(torch.arange(24)), strict=True):
        assert torch.equal(found, expected)


def test_repeated_segments_count_once() -> None:
    repeated = torch.cat([torch.arange(24), torch.tensor([0, 0, 23, 11])])
    for found, expected in zip(vote(repeated, 9), vote(torch.arange(24)), strict=True):
        assert torch.equal(found, expected)


def test_resetting_forgets_the_segments() -> None:
    metric = ClipVote()
    metric.update(*segments())
    metric.reset()
    metric.update(*(values[:5] for values in segments()))
    assert metric.compute().clip.tolist() == [2]


def test_votes_of_no_segment_are_empty() -> None:
    metric = ClipVote()
    metric.update(*(values[:0] for values in segments()))
    assert [len(field) for field in metric.compute()] == [0, 0, 0, 0]


def test_half_precision_scores_are_summed_wide() -> None:
    metric = ClipVote()
    n = 3000
    scores = torch.tensor([[0.1, 0.9]]).half().expand(n, 2)
    metric.update(scores, torch.zeros(n).long(), torch.zeros(n).long(), torch.arange(n))
    assert metric.compute().scores[0].tolist() == pytest.approx(scores[0].tolist(), rel=1e-6)


def decisions(predicted: list[int], target: list[int]) -> Votes:
    scores = torch.nn.functional.one_hot(torch.tensor(predicted), CLASSES).float()
    count = torch.ones(len(target), dtype=torch.long)
    return Votes(torch.arange(len(target)), scores, torch.tensor(target), count)


def literal(predicted: list[int], target: list[int]) -> ClipMetrics:
    pairs = [(p, t) for p, t in zip(predicted, target, strict=True) if t >= 0]
    recalls: list[float | None] = []
    f1s, weights = [], []
    for c in range(CLASSES):
        hit = sum(p == t == c for p, t in pairs)
        true, decided = sum(t == c for _, t in pairs), sum(p == c for p, _ in pairs)
        recalls.append(hit / true if true else None)
        if true:
            precision = hit / decided if decided else 0.0
            recall = hit / true
            weights.append(true)
            f1s.append(2 * precision * recall / (precision + recall) if hit else 0.0)
    known = [recall for recall in recalls if recall is not None]
    return ClipMetrics(
        clips=len(pairs),
        scores={
            "accuracy": sum(p == t for p, t in pairs) / len(pairs),
            "uar": sum(known) / len(known),
            "macro_f1": sum(f1s) / len(f1s),
            "weighted_f1": sum(f * w for f, w in zip(f1s, weights, strict=True)) / sum(weights),
        },
        recall=recalls,
        confusion=[[pairs.count((p, t)) for p in range(CLASSES)] for t in range(CLASSES)],
    )


@pytest.mark.parametrize(
    ("predicted", "target"),
    [
        ([0, 1, 2, 3, 0, 0], [0, 1, 2, 3, 1, 2]),  # all classes occur
        ([0, 1, 1, 2, 0, 2], [0, 1, 0, 0, 1, 1]),  # 2 is predicted but does not occur; 3 is neither
        ([1, 1, 1, 3], [0, 0, 0, 3]),  # a class is never predicted
        ([0, 1, 2, 2], [0, -1, 2, -1]),  # unlabelled clips
    ],
)
def test_metrics_equal_a_literal_computation(predicted: list[int], target: list[int]) -> None:
    found, expected = (
        clip_metrics(decisions(predicted, target), CLASSES),
        literal(predicted, target),
    )
    assert found.clips == expected.clips
    assert found.confusion == expected.confusion
    for name, value in expected.scores.items():
        assert found.scores[name] == pytest.approx(value), name
    assert found.recall == pytest.approx(expected.recall)


def test_a_class_that_does_not_occur_has_no_recall_and_does_not_lower_uar() -> None:
    metrics = clip_metrics(decisions([0, 1, 0], [0, 1, 0]), CLASSES)
    assert metrics.recall == [1.0, 1.0, None, None]
    assert metrics.scores["uar"] == metrics.scores["macro_f1"] == 1.0


def test_without_a_labelled_clip_nothing_can_be_computed() -> None:
    metrics = clip_metrics(decisions([0, 1], [-1, -1]), CLASSES)
    assert metrics.clips == 0
    assert set(metrics.scores.values()) == {None}
    assert metrics.recall == [None] * CLASSES
    assert metrics.confusion == [[0] * CLASSES] * CLASSES
