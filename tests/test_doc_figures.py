"""The claims of docs/common_information.md that its figures show."""

import importlib.util
from types import ModuleType

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def figures() -> ModuleType:
    path = ROOT / "docs/figures/common_information.py"
    spec = importlib.util.spec_from_file_location("common_information_figures", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_s_of_pairs_that_share_nothing(figures: ModuleType) -> None:
    assert figures.null(90, 512) == 44.5
    assert figures.null(512, 8) == pytest.approx(8**2 / 2 / 511, rel=0.3)
    assert figures.null(512, 64) == pytest.approx(64**2 / 2 / 511, rel=0.1)
    assert figures.null(512, 8) < figures.MOST < figures.null(512, 64)


def test_the_less_inputs_share_the_longer_the_start_takes(figures: ModuleType) -> None:
    much, little = (figures.course(0.05, share=share, steps=150) for share in (0.3, 0.1))
    assert much[60] > 1.2
    assert little[20] < 0.02 < 0.2 < little[-1]


def test_large_features_begin_far_below_zero(figures: ModuleType) -> None:
    course = figures.course(1.0, steps=60)
    assert course[0] < -1.5
    assert course[-1] > 0.8


def test_a_strong_person_takes_the_common_features_unless_centred(figures: ModuleType) -> None:
    label, person = figures.shared(2.0, within=False)
    assert label < 0.7
    assert person > 0.5
    label, person = figures.shared(2.0, within=True)
    assert label > 0.9
    assert person < 0.1
