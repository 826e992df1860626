"""The chain after the model: known shift, scale and offset; never worse; each step alone."""

import numpy as np
import pytest

from emorec.evaluation.postprocess import Chain, Column, fit_chain
from emorec.evaluation.traces import agreement


def smooth(seed: int, steps: int = 1500) -> Column:
    random = np.random.default_rng(seed)
    kernel = np.hanning(60)
    return np.convolve(random.normal(size=steps + 59), kernel / kernel.sum(), "valid")


GOLD = [smooth(seed) for seed in range(4)]


def ccc(traces: list[Column], gold: list[Column]) -> float:
    found = agreement(np.concatenate(traces)[:, None], np.concatenate(gold)[:, None])[0].main
    assert found is not None
    return found


def test_a_perfect_trace_is_left_alone() -> None:
    assert repr(fit_chain(GOLD, GOLD)) == repr(Chain())


@pytest.mark.parametrize("steps", [11, 46, -31])
def test_known_shift_scale_and_offset_are_recovered(steps: int) -> None:
    offsets = (0.3, -0.2, 0.1, 0.4)
    predicted = [
        2.5 * np.roll(gold, -steps) + offset for gold, offset in zip(GOLD, offsets, strict=True)
    ]
    chain = fit_chain(predicted, GOLD)
    assert chain.shift == steps
    assert chain.scale == pytest.approx(1 / 2.5, rel=0.05)
    assert chain.median == 0
    assert ccc([chain(trace) for trace in predicted], GOLD) > 0.93


@pytest.mark.parametrize("every", [5, 25])
def test_longer_steps_have_grids_of_the_same_times(every: int) -> None:
    gold = [smooth(seed, 6000) for seed in range(4)]
    late = [np.roll(trace, 50)[::every] for trace in gold]  # 2 s
    chain = fit_chain(late, [trace[::every] for trace in gold], 0.04 * every)
    assert chain.shift == pytest.approx(-50 / every, abs=1)
    random = np.random.default_rng(0)
    slow = [np.repeat(trace, 10)[::every] for trace in gold]
    noisy = [trace + 0.5 * trace.std() * random.normal(size=len(trace)) for trace in slow]
    assert 2 <= fit_chain(noisy, slow, 0.04 * every).median <= 500 / every


def test_noise_is_filtered() -> None:
    random = np.random.default_rng(0)
    predicted = [gold + 0.5 * gold.std() * random.normal(size=len(gold)) for gold in GOLD]
    chain = fit_chain(predicted, GOLD)
    assert chain.median >= 10
    assert ccc([chain(trace) for trace in predicted], GOLD) > ccc(predicted, GOLD) + 0.05


@pytest.mark.parametrize("seed", range(8))
def test_the_development_ccc_is_never_lowered(seed: int) -> None:
    random = np.random.default_rng(seed)
    predicted = [
        random.uniform(0.2, 3) * smooth(100 + seed) + random.normal() + random.uniform() * gold
        for gold in GOLD
    ]
    chain = fit_chain(predicted, GOLD)
    assert ccc([chain(trace) for trace in predicted], GOLD) >= ccc(predicted, GOLD)


@pytest.mark.parametrize("spread", [1.0, 4.0])
def test_centring_and_scaling_are_left_out_where_they_harm(spread: float) -> None:
    """Recordings with different means, predicted well: one mean for all would be worse."""
    random = np.random.default_rng(1)
    gold = [trace + mean for trace, mean in zip(GOLD, (-2, -1, 1, 2), strict=True)]
    predicted = [true + 0.1 * random.normal(size=len(true)) for true in gold]
    chain = fit_chain([spread * trace for trace in predicted], [spread * true for true in gold])
    assert np.isnan(chain.centre)
    assert ccc([chain(trace) for trace in predicted], gold) >= ccc(predicted, gold)


def test_each_step_does_what_its_name_says() -> None:
    trace = np.array([0.0, 0, 9, 0, 0, 2, 2, 2, 2, 2])
    assert Chain(median=3)(trace)[2] == 0
    assert Chain(centre=1.0)(trace).mean() == pytest.approx(1.0)
    np.testing.assert_allclose(Chain(scale=2.0, about=1.0)(trace), 1 + 2 * (trace - 1))
    np.testing.assert_array_equal(Chain(shift=2)(trace), [0, 0, *trace[:-2]])
    np.testing.assert_array_equal(Chain(shift=-2)(trace), [*trace[2:], 2, 2])


def test_gaps_stay_gaps() -> None:
    predicted = [gold.copy() for gold in GOLD]
    predicted[0][100:200] = np.nan
    chain = Chain(median=20, centre=0.0, scale=2.0)
    assert np.isnan(chain(predicted[0])).sum() == 100
    assert np.isnan(chain(np.full(5, np.nan))).all()
    holes = [gold.copy() for gold in GOLD]
    holes[1][:50] = np.nan
    scaled = [2 * trace for trace in predicted]
    chain = fit_chain(scaled, holes)
    assert chain.scale == pytest.approx(0.5, rel=0.01)
    assert ccc([chain(trace) for trace in scaled], holes) > ccc(scaled, holes)


def test_a_chain_is_described_without_nan() -> None:
    assert Chain().described() is None
    found = Chain(scale=2.0).described()
    assert found is not None
    assert (found["scale"], found["centre"]) == (2.0, None)


def test_without_a_gold_standard_nothing_is_done() -> None:
    assert repr(fit_chain([], [])) == repr(Chain())
    assert repr(fit_chain([GOLD[0]], [np.full(1500, np.nan)])) == repr(Chain())
