"""Plans of generated clips: each option changes what it says, and nothing else."""

import hashlib
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emorec.synthetic import ClipPlan, plan_clips


def levels(plans: list[ClipPlan]) -> tuple[np.ndarray, np.ndarray]:
    """Return the intensities of faces and of voices, float64 (clips,) each."""
    return (
        np.array([plan.face_intensity for plan in plans]),
        np.array([plan.voice_intensity for plan in plans]),
    )


def without_options(plans: list[ClipPlan]) -> list[ClipPlan]:
    """Return the plans without what the options of the test below decide."""
    return [
        replace(
            plan,
            face_intensity=1.0,
            voice_intensity=1.0,
            identity=1.0,
            lip_sync=True,
            container="mp4",
        )
        for plan in plans
    ]


@pytest.mark.parametrize(
    ("options", "digest"),
    [
        ({}, "d9ac0d3a"),
        ({"subjects": 3, "takes": 1}, "e46d12b5"),
        ({"seconds": (1.0, 1.5)}, "44f3a6d2"),  # configs/data/synthetic.yaml
        ({"subjects": 3, "takes": 1, "seconds": (1.0, 1.2)}, "c46d66f1"),  # synthetic_tiny.yaml
    ],
)
def test_sets_planned_before_the_options_existed_keep_their_digest(
    options: dict[str, Any], digest: str
) -> None:
    text = repr(plan_clips(**options)).encode()
    assert hashlib.blake2b(text, digest_size=4).hexdigest() == digest


@pytest.mark.parametrize(
    "options",
    [
        {"intensity": (0.2, 1.0)},
        {"intensity": (0.2, 1.0), "shared_intensity": False},
        {"identity": 0.0},
        {"identity": 2.0},
        {"lip_sync": False},
        {"avi_share": 0.0},
    ],
)
def test_each_option_gives_another_digest_and_the_rest_of_the_plan_stays(
    options: dict[str, Any],
) -> None:
    usual, other = plan_clips(subjects=2, takes=2), plan_clips(subjects=2, takes=2, **options)
    assert repr(other) != repr(usual)
    assert without_options(other) == without_options(usual)


def test_a_plans_text_names_what_differs_from_the_default() -> None:
    plan = plan_clips(subjects=1, takes=1)[0]
    assert "identity" not in repr(plan)
    assert repr(replace(plan, identity=0.5)).endswith("seed=0, identity=0.5)")


def test_intensities_are_full_unless_asked_otherwise() -> None:
    face, voice = levels(plan_clips())
    assert (face == 1).all()
    assert (voice == 1).all()


def test_shared_intensities_are_the_same_and_others_are_unrelated() -> None:
    face, voice = levels(plan_clips(takes=20, intensity=(0.1, 1.0)))
    assert (face == voice).all()
    own_face, own_voice = levels(plan_clips(takes=20, intensity=(0.1, 1.0), shared_intensity=False))
    assert (own_face == face).all()  # sharing decides about the voice alone
    assert abs(np.corrcoef(own_face, own_voice)[0, 1]) < 0.08  # 960 clips: 2.5 standard errors
    for drawn in (own_face, own_voice):  # the same margin: uniform over 0.1 to 1
        assert 0.1 <= drawn.min() < 0.12
        assert 0.98 < drawn.max() <= 1.0
        assert abs(drawn.mean() - 0.55) < 0.025
        assert abs(drawn.std() - 0.9 / 12**0.5) < 0.02


@settings(max_examples=20)
@given(st.tuples(*[st.floats(0.01, 1.0)] * 3), st.booleans())
def test_intensities_are_monotone_in_their_bounds(bounds: tuple[float, ...], shared: bool) -> None:
    low, middle, high = sorted(bounds)

    def drawn(least: float, most: float) -> np.ndarray:
        plans = plan_clips(subjects=1, takes=1, intensity=(least, most), shared_intensity=shared)
        return np.array(levels(plans))

    assert (drawn(low, middle) <= drawn(low, high) + 1e-12).all()
    assert (drawn(low, high) <= drawn(middle, high) + 1e-12).all()


def test_raising_the_share_of_avi_files_turns_further_clips_into_them() -> None:
    containers = [
        [plan.container for plan in plan_clips(avi_share=share)] for share in (0.0, 0.25, 0.6, 1.0)
    ]
    assert (set(containers[0]), set(containers[-1])) == ({"mp4"}, {"avi"})
    for less, more in pairwise(containers):
        assert all(
            after == "avi" for before, after in zip(less, more, strict=True) if before == "avi"
        )


def test_raising_a_reliability_keeps_the_intensities() -> None:
    options: dict[str, Any] = {"takes": 1, "intensity": (0.2, 1.0), "shared_intensity": False}
    some, all_ = plan_clips(**options), plan_clips(**options, face_reliability=1.0)
    assert [replace(plan, face_shows=True) for plan in some] == all_


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"intensity": (0.0, 1.0)}, r"intensity must be 0 < weakest <= .* got \(0.0, 1.0\)"),
        ({"intensity": (0.6, 0.5)}, "weakest <= strongest"),
        ({"intensity": (0.5, 1.1)}, "strongest <= 1"),
        ({"intensity": (float("nan"), 1.0)}, "weakest <= strongest"),
        ({"identity": -0.1}, r"identity must be within 0\.\.2, got -0.1"),
        ({"identity": 2.5}, r"identity must be within 0\.\.2, got 2.5"),
        ({"subjects": 0}, r"subjects must be within 1\.\.99, got 0"),
        ({"takes": 100}, r"takes must be within 1\.\.99, got 100"),
        ({"face_reliability": 1.5}, r"face_reliability must be within 0\.\.1, got 1.5"),
        ({"avi_share": -0.5}, r"avi_share must be within 0\.\.1, got -0.5"),
        ({"seconds": (2.0, 1.0)}, "shortest <= longest <= 60"),
    ],
)
def test_values_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan_clips(**options)
