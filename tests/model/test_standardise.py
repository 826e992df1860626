"""Standardisation: what it computes, and that its statistics travel with the weights."""

import numpy as np
import torch

from emorec.model.standardise import Standardise


def test_until_statistics_are_set_nothing_changes_but_the_dtype() -> None:
    module = Standardise()
    x = torch.tensor([[0, 255]], dtype=torch.uint8)
    assert not module.known
    assert module(x).dtype == torch.float32
    assert module(x).tolist() == [[0, 255]]


def test_the_mean_is_subtracted_and_the_deviation_divided_by() -> None:
    module = Standardise()
    module.set(np.array([[1.0], [2.0]]), np.array([[4.0], [0.5]]))
    x = torch.tensor([[[5.0, 1.0, 9.0], [3.0, 2.0, 2.5]]], dtype=torch.float16)
    assert module.known
    assert module(x).tolist() == [[[1, 0, 2], [2, 0, 1]]]


def test_a_padded_step_becomes_zero() -> None:
    module = Standardise()
    module.set(np.array([[1.0, 2.0]]), np.array([[2.0, 2.0]]))
    x = torch.tensor([[[5.0, 4.0], [torch.nan, torch.nan]]])
    assert module(x).tolist() == [[[2, 1], [0, 0]]]


def test_statistics_of_any_shape_come_back_from_a_state_dict() -> None:
    module = Standardise()
    mean, deviation = np.random.default_rng(0).random((2, 94, 1)).astype(np.float32)
    module.set(mean, deviation)
    other = Standardise()
    other.load_state_dict(module.state_dict())
    assert other.known
    assert other.mean.shape == (94, 1)
    assert np.array_equal(other.mean.numpy(), mean)
    assert np.array_equal(other.deviation.numpy(), deviation)


def test_what_was_loaded_does_not_share_memory_with_the_checkpoint() -> None:
    module = Standardise()
    module.set(np.zeros(2), np.ones(2))
    state = module.state_dict()
    other = Standardise()
    other.load_state_dict(state)
    state["mean"] += 5
    assert other.mean.tolist() == [0, 0]


def test_statistics_are_buffers_not_parameters() -> None:
    module = Standardise()
    assert not list(module.parameters())
    assert set(module.state_dict()) == {"mean", "deviation", "known"}
