"""The fusion of members' votes, and its weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from emorec.commands.ensemble_weights import restricted, weights_of, weights_table
from emorec.commands.members import Clips, EnsembleError
from emorec.media import Face
from emorec.predict import Timeline, TimelineRow
from emorec.predict.ensemble import fused
from emorec.predict.fused_timeline import fuse_timelines
from emorec.types import Window

NAMES = ["a", "b", "c"]
VOTES = {
    "a": [0.7, 0.2, 0.1],
    "b": [0.1, 0.6, 0.3],
    "c": [0.2, 0.2, 0.6],
}


def test_equal_weights_are_the_plain_mean() -> None:
    found = fused(VOTES, NAMES, torch.full((3, 3), 1 / 3))
    assert found == pytest.approx([1 / 3, 1 / 3, 1 / 3], abs=1e-12)
    found = fused({n: VOTES[n] for n in "ab"}, NAMES, torch.full((3, 3), 1 / 3))
    assert found == pytest.approx([0.4, 0.4, 0.2], abs=1e-12)


def test_a_member_without_weight_for_a_class_does_not_count_for_it() -> None:
    weights = torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    found = torch.tensor(fused(VOTES, NAMES, weights))
    changed = {**VOTES, "c": [0.4, 0.0, 0.6]}  # only where it has no weight
    torch.testing.assert_close(found, torch.tensor(fused(changed, NAMES, weights)))
    # Without the only member that has weight for a class, the others share it.
    some = fused({n: VOTES[n] for n in "ab"}, NAMES, weights)
    assert some == pytest.approx([0.4, 0.4, 0.2])


def test_the_order_of_members_changes_nothing() -> None:
    weights = torch.tensor([[0.2, 0.5, 0.3], [0.5, 0.1, 0.3], [0.3, 0.4, 0.4]])
    order = [2, 0, 1]
    other = fused(VOTES, [NAMES[i] for i in order], weights[order])
    assert other == pytest.approx(fused(VOTES, NAMES, weights), abs=1e-15)
    assert sum(other) == pytest.approx(1)


def says(decisions: list[int], target: list[int]) -> Clips:
    eye: Tensor = torch.eye(3)
    return {
        str(number): (eye[decision], true, 1)
        for number, (decision, true) in enumerate(zip(decisions, target, strict=True))
    }


def test_weights_are_recalls_drawn_towards_chance() -> None:
    target = [0, 0, 0, 0, 1, 1, 2, -1]
    first, second = says([0, 0, 0, 1, 1, 0, 0, 2], target), says([0, 1, 1, 1, 1, 1, 0, 2], target)
    raw = weights_of([first, second], 3, shrink=0)
    torch.testing.assert_close(raw[:, 0], torch.tensor([0.75, 0.25], dtype=torch.float64))
    torch.testing.assert_close(raw[:, 1], torch.tensor([1 / 3, 2 / 3], dtype=torch.float64))
    assert raw[:, 2].tolist() == [0.5, 0.5]  # neither knows it
    k, a = 5.0, torch.tensor([3.0, 1.0], dtype=torch.float64)
    drawn = (a + k) / (4 + 3 * k)
    torch.testing.assert_close(weights_of([first, second], 3)[:, 0], drawn / drawn.sum())
    strong = weights_of([first, second], 3, power=4, shrink=0)
    assert strong[0, 0] > 0.98
    gated = weights_of([first, second], 3, gate=True, shrink=0)
    assert gated[:, 0].tolist() == [1, 0]
    assert weights_of([first, second], 3, "equal").tolist() == [[0.5] * 3] * 2
    table = weights_table(["one", "two"], ["x", "y", "z"], raw).splitlines()
    assert table[:2] == ["member,x,y,z", "one,0.750000,0.333333,0.500000"]


def test_weights_need_labels_and_sensible_options() -> None:
    unlabelled = says([0, 1], [-1, -1])
    with pytest.raises(EnsembleError, match="--statistic equal takes the plain mean"):
        weights_of([unlabelled, unlabelled], 3)
    for options in ({"power": 0.0}, {"shrink": -1.0}, {"statistic": "luck"}):
        with pytest.raises(EnsembleError, match="expected a statistic of recall"):
            weights_of([says([0], [0])] * 2, 3, **options)


def test_a_member_can_be_kept_to_some_classes() -> None:
    weights = torch.full((2, 3), 0.5, dtype=torch.float64)
    found = restricted(weights, ["voice", "face"], ["x", "y", "z"], ["voice=x", "voice=y"])
    assert found.tolist() == [[0.5, 0.5, 0.0], [0.5, 0.5, 1.0]]
    for only in (["voice"], ["voice="], ["voice=joy"], ["sound=x"]):
        with pytest.raises(EnsembleError, match="expected MEMBER=CLASS,CLASS with members voice"):
            restricted(weights, ["voice", "face"], ["x", "y", "z"], only)
    with pytest.raises(EnsembleError, match="leaves no member for the class z"):
        restricted(weights, ["voice", "face"], ["x", "y", "z"], ["voice=x", "face=x,y"])


def row(start: float, person: int | None, scores: list[float], x: float = 0.0) -> TimelineRow:
    box = None if person is None else Face(x, 0.0, x + 10.0, 10.0, 1.0)
    return TimelineRow(Window(start, start + 1.0), person, box, scores, {})


def timeline(rows: list[TimelineRow]) -> Timeline:
    return Timeline(Path("a.mp4"), 10.0, ["x", "y"], rows)


def mean(votes: Mapping[str, Sequence[float]]) -> list[float]:
    return np.mean(list(votes.values()), 0).tolist()  # type: ignore[no-any-return]


def test_people_of_models_are_matched_by_their_boxes() -> None:
    one = timeline([row(t, p, [p - 1.0, 2.0 - p], 20.0 * p) for t in (0.0, 0.5) for p in (1, 2)])
    other = timeline(
        [row(t, 3 - p, [p - 1.0, 2.0 - p], 20.0 * p + 1) for t in (0.0, 0.5) for p in (1, 2)]
    )
    fused_ = fuse_timelines({"one": one, "other": other}, mean, 0.5)
    assert [(r.person, r.scores) for r in fused_.rows] == [(1, [0, 1]), (2, [1, 0])] * 2
    assert all(set(r.alone) == {"one", "other"} for r in fused_.rows)


def test_what_is_only_heard_stays_and_speaks_for_everybody_seen() -> None:
    seen = timeline([row(t / 2, 1, [1.0, 0.0]) for t in range(3)])
    heard = timeline([row(t / 2, None, [0.0, 1.0]) for t in range(9)])
    fused_ = fuse_timelines({"seen": seen, "heard": heard}, mean, 0.5)
    assert [r.person for r in fused_.rows] == [1] * 3 + [None] * 6
    assert [r.scores for r in fused_.rows] == [[0.5, 0.5]] * 3 + [[0.0, 1.0]] * 6
    assert [r.window.start for r in fused_.rows] == [t / 2 for t in range(9)]
