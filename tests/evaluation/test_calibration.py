"""Temperature, calibration error, abstention: against known values for synthetic decisions."""

import numpy as np
import pytest
import torch
from torch import Tensor

from emorec.evaluation.calibration import (
    apply_temperature,
    calibration,
    fit_temperature,
    risk_coverage,
)
from emorec.figures.reliability import reliability_figure


def decisions(count: int = 4000, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return calibrated probabilities and outcomes sampled from them, made overconfident by T."""
    random = torch.Generator().manual_seed(0)
    shares = torch.randn(count, 4, generator=random).mul(1.5).softmax(1)
    target = torch.multinomial(shares, 1, generator=random).squeeze(1)
    return apply_temperature(shares, 1 / temperature), target


def test_a_temperature_divides_logits_and_keeps_decisions() -> None:
    logits = torch.randn(5, 3)
    warm = apply_temperature(logits.softmax(1), 2.5)
    torch.testing.assert_close(warm, (logits / 2.5).softmax(1))
    assert torch.equal(warm.argmax(1), logits.argmax(1))
    torch.testing.assert_close(apply_temperature(warm, 1 / 2.5), logits.softmax(1))
    sure = apply_temperature(torch.tensor([1.0, 0.0]), 3.0)
    assert sure.isfinite().all()


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_the_temperature_of_made_up_decisions_is_found(true: float) -> None:
    scores, target = decisions(temperature=true)
    target[::10] = -1
    scores[::10] = torch.tensor([1.0, 0, 0, 0])  # unlabelled: does not count
    found = fit_temperature(scores, target)
    assert found == pytest.approx(true, rel=0.05)


def test_an_undetermined_temperature_is_none() -> None:
    scores, _ = decisions(20)
    assert fit_temperature(scores, scores.argmax(1)) is None
    assert fit_temperature(scores, torch.full((20,), -1)) is None
    assert calibration(scores, torch.full((20,), -1)) is None


def test_scaling_fixes_the_calibration_and_keeps_the_order() -> None:
    scores, target = decisions(temperature=3.0)
    temperature = fit_temperature(scores, target)
    assert temperature is not None
    before, after = (
        calibration(scores, target),
        calibration(apply_temperature(scores, temperature), target),
    )
    assert before is not None
    assert after is not None
    assert after.ece < 0.03 < 0.15 < before.ece
    assert after.nll < before.nll
    assert after.brier < before.brier


def test_the_numbers_are_their_definitions() -> None:
    scores, target = decisions(300)
    found = calibration(scores, target)
    assert found is not None
    p, y = scores.numpy(), target.numpy()
    sure, right = p.max(1), p.argmax(1) == y
    bins = np.minimum((sure * 15).astype(int), 14)
    parts = [
        (bins == b).mean() * abs(right[bins == b].mean() - sure[bins == b].mean())
        for b in set(bins)
    ]
    assert found.ece == pytest.approx(sum(parts), abs=1e-5)
    assert found.nll == pytest.approx(-np.log(p[np.arange(300), y]).mean(), rel=1e-5)
    assert found.brier == pytest.approx(((p - np.eye(4)[y]) ** 2).sum(1).mean(), rel=1e-5)
    coverage, risk = risk_coverage(scores, target)
    order = np.argsort(-sure)
    errors = np.cumsum(~right[order]) / np.arange(1, 301)
    assert risk == pytest.approx(errors)
    assert coverage == pytest.approx(np.arange(1, 301) / 300)
    assert found.aurc == pytest.approx(errors.mean(), rel=1e-5)


def test_the_picture_shows_both_and_the_risk() -> None:
    scores, target = decisions(200, 2.0)
    figure = reliability_figure(scores, target, 2.0, "200 clips")
    left, right = figure.axes
    names = [line.get_label() for line in left.lines]
    assert names[1:] == ["as trained", "temperature 2.00"]
    assert len(right.lines) == 1
