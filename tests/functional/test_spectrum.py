"""HGR singular values of tables and of features, against each other and against known ones."""

import pytest
import torch
from torch import Tensor

from emorec.functional import hgr_discrete, hgr_spectrum, soft_hgr

COUNTS = torch.tensor([[9, 1, 2, 3], [1, 8, 1, 1], [2, 2, 10, 1]])


def places(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Return x and y of each observation in a table of counts."""
    x, y = torch.meshgrid(*(torch.arange(size) for size in counts.shape), indexing="ij")
    return tuple(torch.repeat_interleave(p.flatten(), counts.flatten()) for p in (x, y))  # type: ignore[return-value]


def assert_near(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("flip", [0.0, 0.1, 0.5])
def test_a_binary_symmetric_pair(flip: float) -> None:
    table = torch.tensor([[1 - flip, flip], [flip, 1 - flip]]) / 2
    found = hgr_discrete(table)
    assert found.sigma.tolist() == pytest.approx([1 - 2 * flip], abs=1e-6)


def test_values_are_those_of_the_scaled_table_without_the_leading_one() -> None:
    joint = COUNTS.double() / COUNTS.sum()
    scaled = joint / torch.outer(joint.sum(1), joint.sum(0)).sqrt()
    sigma = torch.linalg.svdvals(scaled)
    assert sigma[0].item() == pytest.approx(1)
    assert hgr_discrete(COUNTS).sigma.tolist() == pytest.approx(sigma[1:].tolist(), abs=1e-12)


def test_functions_are_white_and_correlate_by_sigma() -> None:
    sigma, f, g = hgr_discrete(COUNTS)
    joint = COUNTS.double() / COUNTS.sum()
    p_x, p_y = joint.sum(1), joint.sum(0)
    eye = torch.eye(len(sigma), dtype=torch.float64)
    assert_near(p_x @ f, torch.zeros_like(sigma))
    assert_near(p_y @ g, torch.zeros_like(sigma))
    assert_near(f.T @ p_x.diag() @ f, eye)
    assert_near(g.T @ p_y.diag() @ g, eye)
    assert_near(f.T @ joint @ g, sigma.diag())


def test_its_functions_reach_the_maximum_of_soft_hgr() -> None:
    sigma, f, g = hgr_discrete(COUNTS)
    x, y = places(COUNTS)
    root = sigma.sqrt()
    reached = soft_hgr((f * root)[x], (g * root)[y], unbiased=False)
    assert reached.item() == pytest.approx(sigma.square().sum().item() / 2, abs=1e-12)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (torch.ones(3), r"matrix .*\(3,\)"),
        (torch.tensor([[1.0, -1.0], [1.0, 1.0]]), "smallest value -1.0"),
        (torch.tensor([[1.0, torch.nan], [1.0, 1.0]]), "non-negative"),
        (torch.tensor([[1.0, 0.0], [1.0, 0.0]]), "never occur"),
    ],
)
def test_a_wrong_table_is_refused(table: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        hgr_discrete(table)


def test_the_spectrum_of_one_hot_features_is_that_of_their_table() -> None:
    x, y = places(COUNTS)
    f, g = torch.eye(3)[x], torch.eye(4)[y]
    found = hgr_spectrum(f, g)
    assert found.dtype == torch.float64
    # One-hot features of X values have X - 1 directions beside the constant.
    expected = [*hgr_discrete(COUNTS).sigma.tolist(), 0.0]
    assert found.tolist() == pytest.approx(expected, abs=1e-6)


def test_the_spectrum_does_not_depend_on_scale_shift_and_basis() -> None:
    random = torch.Generator().manual_seed(0)
    f = torch.randn(200, 4, generator=random, dtype=torch.float64)
    g = f[:, :3] + torch.randn(200, 3, generator=random, dtype=torch.float64)
    turn = torch.randn(4, 4, generator=random, dtype=torch.float64)
    expected = hgr_spectrum(f, g)
    assert expected.shape == (3,)
    assert 0.5 < expected[0] < 0.9
    torch.testing.assert_close(hgr_spectrum(f @ turn + 5, -30 * g), expected)


def test_masked_rows_do_not_count_and_too_few_rows_give_zero() -> None:
    f = torch.randn(12, 2, generator=torch.Generator().manual_seed(1))
    rows = torch.arange(12) % 3 > 0
    wild = torch.where(rows.unsqueeze(1), f, torch.nan)
    torch.testing.assert_close(hgr_spectrum(wild, f, rows), hgr_spectrum(f[rows], f[rows]))
    assert hgr_spectrum(f, f, torch.arange(12) == 3).tolist() == [0, 0]


def test_few_components_are_the_leading_principal_directions() -> None:
    random = torch.Generator().manual_seed(1)
    shared = torch.randn(400, 2, generator=random, dtype=torch.float64)
    wide, noise = torch.eye(2, 6, dtype=torch.float64) * 10, 0.1
    f, g = (
        shared @ wide + noise * torch.randn(400, 6, generator=random, dtype=torch.float64)
        for _ in range(2)
    )
    whole, two = hgr_spectrum(f, g), hgr_spectrum(f, g, components=2)
    assert whole.shape == (6,)
    assert two.shape == (2,)
    assert (two <= whole[:2] + 1e-9).all()
    assert (two > 0.99).all()
    assert hgr_spectrum(f, g, components=50).shape == (6,)
