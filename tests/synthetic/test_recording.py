"""Plans of recordings and the law of what they show: what can be predicted is known."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from emorec.synthetic import Affect, RecordingPlan, affect, ceiling, plan_recordings
from emorec.synthetic.courses import displayed

NOISE = 0.7


@pytest.fixture(scope="module")
def courses() -> Affect:
    """Return the courses of 400 minutes in a row, about 6000 independent moments."""
    plans = plan_recordings(subjects=80, takes=5, voice_noise=NOISE, face_noise=NOISE)
    return Affect(*np.concatenate([affect(plan) for plan in plans], axis=1))


def concordance(predicted: np.ndarray, gold: np.ndarray) -> float:
    covariance = np.mean((predicted - predicted.mean()) * (gold - gold.mean()))
    offset = predicted.mean() - gold.mean()
    return float(2 * covariance / (predicted.var() + gold.var() + offset**2))


def correlation(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.corrcoef(one, two)[0, 1])


def test_plans_name_subjects_and_takes() -> None:
    plans = plan_recordings(subjects=2, takes=2, seconds=30)
    assert [plan.id for plan in plans] == ["s01-01", "s01-02", "s02-01", "s02-02"]
    assert [plan.subject for plan in plans] == ["s01", "s01", "s02", "s02"]


def test_a_plans_text_names_what_differs_from_the_default() -> None:
    plan = plan_recordings(subjects=1, seconds=30)[0]
    text = (
        "RecordingPlan(id='s01-01', subject='s01', seconds=30.0, seed=0, "
        "voice_noise=0.5, face_noise=0.5)"
    )
    assert repr(plan) == text
    assert repr(replace(plan, identity=0.0)) == f"{text[:-1]}, identity=0.0)"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subjects": 0}, r"subjects must be within 1\.\.99, got 0"),
        ({"takes": 100}, r"takes must be within 1\.\.99, got 100"),
        ({"seconds": 0.5}, r"seconds must be within 1\.\.1800, got 0.5"),
        ({"seconds": float("nan")}, "seconds must be within"),
        ({"voice_noise": -0.1}, "voice_noise must be finite and at least 0, got -0.1"),
        ({"face_noise": float("inf")}, "face_noise must be finite and at least 0, got inf"),
        ({"face_noise": float("nan")}, "face_noise must be finite"),
        ({"identity": 2.5}, r"identity must be within 0\.\.2, got 2.5"),
    ],
)
def test_values_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan_recordings(**options)


def test_affect_is_the_same_twice_and_another_in_each_recording() -> None:
    plans = plan_recordings(subjects=2, takes=2, seconds=4)
    plans += plan_recordings(subjects=1, seconds=4, seed=1)
    for plan in plans:
        for one, two in zip(affect(plan), affect(plan), strict=True):
            assert one.shape == (100,)
            assert one.dtype == np.float64
            assert (one == two).all()
    assert len({affect(plan).arousal[0] for plan in plans}) == len(plans)


def test_an_option_changes_its_own_courses_alone() -> None:
    usual = plan_recordings(subjects=1, seconds=4)[0]
    noisy, longer = affect(replace(usual, voice_noise=1.0)), affect(replace(usual, seconds=6.0))
    for name in Affect._fields:
        course = getattr(affect(usual), name)
        assert (getattr(noisy, name) == course).all() == (name != "voice")
        np.testing.assert_allclose(getattr(longer, name)[:100], course, atol=1e-12)


def test_gold_standards_follow_their_law(courses: Affect) -> None:
    for gold in (courses.arousal, courses.valence):
        assert np.abs(gold).max() <= 1
        assert (np.abs(gold) == 1).mean() < 0.008
        assert abs(gold.mean()) < 0.02
        assert gold.std() == pytest.approx(0.35, abs=0.012)
        rows = gold.reshape(400, 1500)
        assert rows.var(axis=0)[[0, -1]] == pytest.approx(0.35**2, rel=0.25)  # stationary
        assert correlation(rows[:, :-75].ravel(), rows[:, 75:].ravel()) == pytest.approx(
            np.exp(-1), abs=0.04
        )
        assert np.abs(np.diff(rows)).max() < 0.05  # smooth


def test_modalities_show_their_own_dimension_and_nothing_else(courses: Affect) -> None:
    expected = 1 / np.sqrt(1 + NOISE**2)
    assert correlation(courses.voice, courses.arousal) == pytest.approx(expected, abs=0.02)
    assert correlation(courses.face, courses.valence) == pytest.approx(expected, abs=0.02)
    for one, two in (("arousal", "valence"), ("voice", "valence"), ("face", "arousal")):
        assert abs(correlation(getattr(courses, one), getattr(courses, two))) < 0.05
    assert abs(correlation(courses.voice, courses.face)) < 0.05


@pytest.mark.parametrize("noise", [0.0, 0.5, 1.0])
def test_no_line_reaches_more_than_the_ceiling(noise: float) -> None:
    rng = np.random.default_rng(0)
    gold, other = 0.35 * rng.standard_normal((2, 100_000))
    shown = gold + noise * other
    slopes, offsets = np.linspace(0.05, 1.5, 146), np.linspace(-0.1, 0.1, 5)
    best, slope, offset = max(
        (concordance(c * shown + b, gold), c, b) for c in slopes for b in offsets
    )
    assert best == pytest.approx(ceiling(noise), abs=0.004)
    assert slope == pytest.approx(1 / np.sqrt(1 + noise**2), abs=0.02)
    assert offset == pytest.approx(0, abs=1e-9)
    squares = 1 / (1 + noise**2)
    assert concordance(squares * shown, gold) == pytest.approx(
        2 * squares / (1 + squares), abs=0.004
    )


def test_what_is_displayed_reaches_the_ceiling_and_its_context_adds_nothing(
    courses: Affect,
) -> None:
    reached = concordance(displayed(courses.voice, NOISE), courses.arousal)
    assert reached == pytest.approx(ceiling(NOISE), abs=0.02)
    # The best filter over 2 s before and after, in 0.4 s steps.
    rows, gold = courses.voice.reshape(400, 1500), courses.arousal.reshape(400, 1500)
    context = np.stack([rows[:, lag : lag + 1400].ravel() for lag in range(0, 101, 10)], axis=1)
    now = gold[:, 50:1450].ravel()
    weights = np.linalg.lstsq(context, now, rcond=None)[0]
    alone = correlation(rows[:, 50:1450].ravel(), now)
    assert correlation(context @ weights, now) == pytest.approx(alone, abs=0.003)


@pytest.mark.parametrize("noise", [0.0, 0.5, 4.0])
def test_what_is_displayed_is_limited_and_rarely_clipped(noise: float) -> None:
    plans = plan_recordings(subjects=40, voice_noise=noise)
    shown = np.concatenate([displayed(affect(plan).voice, noise) for plan in plans])
    assert np.abs(shown).max() <= 1
    assert (np.abs(shown) == 1).mean() < 0.02
    assert shown.std() == pytest.approx(0.35, abs=0.04)


@pytest.mark.parametrize("noise", [-0.5, float("inf"), float("nan")])
def test_an_impossible_noise_has_no_ceiling(noise: float) -> None:
    with pytest.raises(ValueError, match="noise must be finite and at least 0"):
        ceiling(noise)


def test_a_plan_is_frozen() -> None:
    plan: Any = RecordingPlan("s01-01", "s01", 2.0, 0, 0.5, 0.5)
    with pytest.raises(AttributeError):
        plan.seconds = 3.0
