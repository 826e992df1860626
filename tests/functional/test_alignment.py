"""Baselines for soft-HGR: against literal formulas, finite differences and libraries."""

from collections.abc import Callable
from math import log

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from emorec.functional import barlow_twins, deep_cca, hgr_spectrum, info_nce, vicreg
from tests.helpers.functional_ranks import ALTERNATIVES

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def features(n: int = 12, k: int = 4) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(2)
    f = torch.randn(n, k, generator=random, dtype=torch.float64) * torch.arange(1, k + 1)
    return f, f.flip(1) + torch.randn(n, k, generator=random, dtype=torch.float64) - 1


def test_deep_cca_is_the_sum_of_the_correlations() -> None:
    f, g = features()
    total = deep_cca(f, g, ridge=1e-12).item()
    assert total == pytest.approx(hgr_spectrum(f, g).sum().item(), abs=1e-8)
    assert deep_cca(f, g[:, :2], ridge=1e-12).item() < 2 + 1e-6
    # A ridge as large as the variances takes their correlations down.
    assert deep_cca(f, g, ridge=5.0).item() < 0.8 * total


def test_barlow_twins_of_a_correlation_matrix() -> None:
    f, g = features()
    c = torch.corrcoef(torch.cat([f, g], 1).T)[:4, 4:]
    on = sum((1 - c[i, i].item()) ** 2 for i in range(4))
    off = sum(c[i, j].item() ** 2 for i in range(4) for j in range(4) if i != j)
    assert barlow_twins(f, g).item() == pytest.approx(on + 0.005 * off, abs=1e-9)
    assert barlow_twins(f, g, off_diagonal=1.0).item() == pytest.approx(on + off, abs=1e-9)


def test_vicreg_term_by_term() -> None:
    f, g = features()
    f = f / 5  # some deviations below 1
    distance = sum((f[i, c] - g[i, c]).item() ** 2 for i in range(12) for c in range(4)) / 12
    hinge = covariance = 0.0
    for x in (f, g):
        cov = torch.cov(x.T)
        hinge += sum(max(0.0, 1 - (cov[c, c].item() + 1e-4) ** 0.5) for c in range(4)) / 4
        covariance += sum(cov[c, d].item() ** 2 for c in range(4) for d in range(4) if c != d) / 4
    assert hinge > 0
    expected = 25 * distance + 25 * hinge + covariance
    assert vicreg(f, g).item() == pytest.approx(expected, rel=1e-9)
    parts = [
        vicreg(f, g, invariance=2, variance=0, covariance=0),
        vicreg(f, g, invariance=0, variance=2, covariance=0),
        vicreg(f, g, invariance=0, variance=0, covariance=2),
    ]
    assert [part.item() / 2 for part in parts] == pytest.approx([distance, hinge, covariance])


def test_info_nce_of_equal_rows_and_of_opposite_ones() -> None:
    same = torch.ones(6, 3)
    assert info_nce(same, same).item() == pytest.approx(log(6), abs=1e-6)
    apart = torch.eye(6)
    cold = info_nce(apart, apart, temperature=0.5).item()
    assert cold == pytest.approx(log(1 + 5 * 2.718281828**-2), abs=1e-6)
    assert info_nce(apart, apart.roll(1, 0), temperature=0.5).item() == pytest.approx(cold + 2)


def test_info_nce_row_by_row() -> None:
    f, g = features()
    a, b = f / f.norm(dim=1, keepdim=True), g / g.norm(dim=1, keepdim=True)
    expected = 0.0
    for i in range(12):
        for x, others in ((a[i], b), (b[i], a)):
            near = [(x @ other).item() / 0.1 for other in others]
            top = max(near)
            expected += top + log(sum(2.718281828459045 ** (n - top) for n in near)) - near[i]
    assert info_nce(f, g).item() == pytest.approx(expected / 24, abs=1e-9)


@pytest.mark.parametrize("loss", ALTERNATIVES.values(), ids=ALTERNATIVES)
def test_gradient_is_that_of_finite_differences(loss: Loss) -> None:
    f, g = (x.requires_grad_() for x in features(7, 3))
    rows = torch.arange(7) != 2
    assert gradcheck(lambda a, b: loss(a, b, rows), (f, g))


@pytest.mark.parametrize("loss", ALTERNATIVES.values(), ids=ALTERNATIVES)
def test_neither_masked_rows_nor_the_order_of_rows_matter(loss: Loss) -> None:
    f, g = features()
    rows = torch.arange(12) % 4 != 1
    everything = torch.ones(9, dtype=torch.bool)
    expected = loss(f[rows], g[rows], everything).item()
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    wild = torch.where(rows.unsqueeze(1), f, torch.nan)
    assert loss(wild[order], g[order], rows[order]).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("loss", ALTERNATIVES.values(), ids=ALTERNATIVES)
@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_rows_give_zero_with_a_zero_gradient(loss: Loss, count: int) -> None:
    f, g = (x.requires_grad_() for x in features())
    value = loss(f, g, torch.arange(12) < count)
    assert value.item() == 0
    for gradient in torch.autograd.grad(value, (f, g)):
        assert not gradient.any()


@pytest.mark.parametrize("loss", ALTERNATIVES.values(), ids=ALTERNATIVES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_wide_also_under_autocast(
    loss: Loss, dtype: torch.dtype
) -> None:
    f, g = (x.to(dtype) for x in features(40))
    rows = torch.ones(40, dtype=torch.bool)
    exact = loss(f.double(), g.double(), rows).item()
    a = f.clone().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(a, g, rows)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(exact, rel=1e-4)
    (gradient,) = torch.autograd.grad(value, a)
    assert gradient.dtype == dtype
    assert gradient.isfinite().all()


@pytest.mark.parametrize(
    ("loss", "option"),
    [(deep_cca, {"ridge": 0.0}), (info_nce, {"temperature": 0.0})],
    ids=["ridge", "temperature"],
)
def test_options_out_of_range_are_refused(
    loss: Callable[..., Tensor], option: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match="must be positive, got 0"):
        loss(*features(), **option)


@pytest.mark.parametrize("name", ["barlow_twins", "vicreg", "info_nce"])
def test_unequal_widths_are_refused(name: str) -> None:
    f, g = features()
    with pytest.raises(ValueError, match=r"same shape, got \(12, 4\) and \(12, 3\)"):
        ALTERNATIVES[name](f, g[:, :3], torch.ones(12, dtype=torch.bool))


@pytest.mark.parametrize("loss", ALTERNATIVES.values(), ids=ALTERNATIVES)
def test_rows_that_do_not_fit_are_refused(loss: Loss) -> None:
    f, g = features()
    with pytest.raises(ValueError, match=r"bool mask of shape \(12,\)"):
        loss(f, g, torch.ones(11, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"\(12, 4\) and \(11, 4\)"):
        loss(f, g[:11], torch.ones(12, dtype=torch.bool))
