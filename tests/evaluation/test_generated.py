"""Numbers on generated samples, against closed forms and a generator that copies."""

import pytest
import torch

from emorec.evaluation.generated import copying, frechet_distance, nearest


def test_frechet_distance_of_gaussians_is_the_closed_form() -> None:
    random = torch.Generator().manual_seed(0)
    real = torch.randn(20_000, 3, generator=random)
    made = 2 * torch.randn(20_000, 3, generator=random) + 1.0
    # |mean difference|^2 + trace(1 + 4 - 2 sqrt(1 * 4)), per dimension 1 + 1
    assert frechet_distance(real, made) == pytest.approx(6.0, rel=0.05)
    assert frechet_distance(real, real) == pytest.approx(0.0, abs=1e-6)


def test_copies_are_nearer_to_training_than_unseen_samples() -> None:
    random = torch.Generator().manual_seed(0)
    trained, unseen, made = torch.randn(3, 1000, 8, generator=random)
    copies = trained[:200] + 0.01 * torch.randn(200, 8, generator=random)
    assert copying(made, trained, unseen) == pytest.approx(1.0, abs=0.05)
    assert copying(copies, trained, unseen) < 0.05
    found = nearest(made[:7], trained)
    torch.testing.assert_close(found, torch.cdist(made[:7], trained).min(1).values)
