"""Pooled statistics against numpy over everything at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emorec.extractors.statistics import pooled_statistics
from emorec.types import Array


def wide(values: Array) -> NDArray[np.float64]:
    return np.asarray(values, np.float64)


def clips(seed: int, shape: tuple[int, ...], offset: float = 0.0) -> list[tuple[Array, list[bool]]]:
    random = np.random.default_rng(seed)
    made: list[tuple[Array, list[bool]]] = []
    for windows in (4, 1, 7):
        array = random.normal(offset, 3, (windows, *shape)).astype(np.float32)
        made.append((array, (random.random(windows) < 0.6).tolist()))
    made.append((random.normal(size=(2, *shape)).astype(np.float32), [True, False]))
    return made


@settings(max_examples=30)
@given(
    seed=st.integers(0, 1000),
    axes=st.sampled_from([(), (0,), (1,), (0, 1)]),
    offset=st.sampled_from([0.0, -20.0, 1e4]),
)
def test_they_are_those_of_all_present_windows_together(
    seed: int, axes: tuple[int, ...], offset: float
) -> None:
    parts = clips(seed, (5, 6), offset)
    everything = np.concatenate([array[present] for array, present in parts]).astype(np.float64)
    pooled = (0, *(axis + 1 for axis in axes))
    mean, deviation = pooled_statistics(parts, axes)
    assert mean.dtype == deviation.dtype == np.float32
    assert mean.shape == deviation.shape == tuple(1 if a in axes else (5, 6)[a] for a in (0, 1))
    expected_mean = everything.mean(pooled, keepdims=True)[0]
    expected = everything.std(pooled, keepdims=True)[0]
    expected[expected < 1e-6] = 1
    np.testing.assert_allclose(wide(mean), expected_mean, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(wide(deviation), expected, rtol=1e-5)


def test_a_log_mel_keeps_a_mean_per_band() -> None:
    mean, deviation = pooled_statistics(clips(0, (94, 10)), (1,))
    assert mean.shape == deviation.shape == (94, 1)


def test_half_precision_and_bytes_are_summed_wide() -> None:
    random = np.random.default_rng(0)
    for dtype, scale in ((np.float16, 1.0), (np.uint8, 255.0)):
        array = (random.random((400, 50, 3)) * scale).astype(dtype)
        mean, deviation = pooled_statistics([(array, [True] * 400)], (0, 1))
        np.testing.assert_allclose(wide(mean), array.astype(float).mean(), rtol=1e-6)
        np.testing.assert_allclose(wide(deviation), array.astype(float).std(), rtol=1e-6)


def test_a_constant_has_deviation_one() -> None:
    array = np.full((3, 2), 7, np.float32)
    array[:, 1] = [1, 2, 3]
    mean, deviation = pooled_statistics([(array, [True] * 3)], ())
    assert mean.tolist() == [7, 2]
    assert deviation.tolist() == pytest.approx([1, np.sqrt(2 / 3)])


@pytest.mark.parametrize("parts", [[], [(np.ones((2, 3), np.float32), [False, False])]])
def test_where_nothing_is_present_they_are_zero_and_one(
    parts: list[tuple[Array, list[bool]]],
) -> None:
    mean, deviation = pooled_statistics(parts, ())
    assert (mean.tolist(), deviation.tolist()) == ([0], [1])


def test_padded_steps_do_not_count() -> None:
    array = np.random.default_rng(2).normal(3, 2, (4, 6, 2)).astype(np.float32)
    array[:2, 4:] = np.nan
    array[0] = np.nan
    mean, deviation = pooled_statistics([(array[:1], [True]), (array[1:], [True] * 3)], (0,))
    np.testing.assert_allclose(mean[0], np.nanmean(array, (0, 1)), rtol=1e-5)
    np.testing.assert_allclose(deviation[0], np.nanstd(array, (0, 1)), rtol=1e-5)


def test_the_arrays_are_left_as_they_were() -> None:
    array = np.arange(6, dtype=np.float64).reshape(3, 2)
    pooled_statistics([(array, [True] * 3)], ())
    assert np.array_equal(array, np.arange(6).reshape(3, 2))
