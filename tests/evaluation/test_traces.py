"""Windows joined to traces, and their agreement with a gold standard."""

import numpy as np
import pytest
import torch

from emorec.evaluation.gather import WindowCollection
from emorec.evaluation.traces import NOTHING, Agreement, agreement, join_windows, joined


def test_windows_are_joined_in_any_order_and_overlaps_averaged() -> None:
    collection = WindowCollection()
    values = torch.arange(24.0).view(3, 4, 2)
    clip, window = torch.tensor([7, 7, 3]), torch.tensor([1, 0, 0])
    collection.update(values, clip, window)
    collection.update(values[:1], clip[:1], window[:1])  # a repeat counts once
    starts = {7: [0, 2], 3: [0]}
    traces = join_windows(collection.compute(), starts)
    early, late = values[1].numpy(), values[0].numpy()
    both = (early[2:] + late[:2]) / 2
    np.testing.assert_allclose(traces[7], np.concatenate([early[:2], both, late[2:]]))
    np.testing.assert_allclose(traces[3], values[2])
    later = join_windows(collection.compute(), starts, delay=3)
    np.testing.assert_allclose(later[3], np.concatenate([values[2, :1].repeat(3, 1), values[2]]))


def test_a_single_window_and_gaps() -> None:
    collection = WindowCollection()
    collection.update(torch.ones(1, 2, 1), torch.tensor([0]), torch.tensor([1]))
    found = join_windows(collection.compute(), {0: [0, 5]})[0]
    assert found.shape == (7, 1)
    assert np.isnan(found[:5]).all()
    assert (found[5:] == 1).all()


def test_agreement_is_that_of_known_steps() -> None:
    predicted, gold = (
        np.array([[1.0], [2], [3], [np.nan], [9]]),
        np.array([[1.0], [2], [4], [5], [np.nan]]),
    )
    (found,) = agreement(predicted, gold)
    x, y = np.array([1.0, 2, 3]), np.array([1.0, 2, 4])
    cov = ((x - x.mean()) * (y - y.mean())).mean()
    assert found.steps == 3
    assert found.main == pytest.approx(2 * cov / (x.var() + y.var() + (x.mean() - y.mean()) ** 2))
    assert found.scores["pearson"] == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert found.scores["rmse"] == pytest.approx(np.sqrt(1 / 3))


def test_what_is_undefined_is_none() -> None:
    gold = np.array([[1.0], [2], [3]])
    constant = agreement(gold, np.ones((3, 1)))[0]
    assert (constant.main, constant.scores["pearson"]) == (None, None)
    assert constant.scores["rmse"] == pytest.approx(np.sqrt(5 / 3))
    flat = agreement(np.ones((3, 1)), gold)[0]
    assert flat.main == pytest.approx(0)
    assert flat.scores["pearson"] is None
    assert agreement(gold[:1], gold[:1] + 2)[0] == Agreement(
        1, {"ccc": None, "pearson": None, "rmse": 2}
    )
    assert agreement(gold, gold * np.nan)[0] == NOTHING


def test_recordings_are_cut_to_the_shorter_one_and_need_a_gold_standard() -> None:
    traces = {0: np.ones((5, 1)), 1: np.ones((3, 1)), 2: np.ones((2, 1))}
    gold = {0: np.zeros((4, 1)), 1: np.zeros((9, 1))}
    predicted, true = joined(traces, gold)
    assert len(predicted) == len(true) == 7


def test_a_single_window_of_a_single_step_is_a_trace() -> None:
    collection = WindowCollection()
    collection.update(torch.tensor([[[0.5]]]), torch.tensor([3]), torch.tensor([0]))
    (trace,) = join_windows(collection.compute(), {3: [0]}).values()
    assert trace.tolist() == [[0.5]]
