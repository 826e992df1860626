"""soft-HGR in low precision, under autocast, with values that do not count, and with few rows."""

import pytest
import torch
from torch import Tensor

from emorec.functional import soft_hgr


def value_and_gradients(
    f: Tensor, g: Tensor, rows: Tensor | None = None, weight: float = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    f, g = f.clone().requires_grad_(), g.clone().requires_grad_()
    value = soft_hgr(f, g, rows)
    df, dg = torch.autograd.grad(weight * value, (f, g))
    return value.detach(), df, dg


def features(n: int, k: int, spread: float = 1.0) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    f = torch.randn(n, k, generator=random)
    return spread * f, spread * (torch.randn(n, k, generator=random) + 0.5 * f)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("n", "k"), [(24, 96), (96, 24)])
def test_a_large_spread_in_half_precision_is_computed_wide(
    dtype: torch.dtype, n: int, k: int
) -> None:
    f, g = (x.to(dtype) for x in features(n, k, spread=60))
    # Unweighted, single gradients are above 65504, which float16 cannot hold.
    value, df, dg = value_and_gradients(f, g, weight=0.1)
    expected, exact_df, exact_dg = value_and_gradients(f.double(), g.double(), weight=0.1)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(expected.item(), rel=1e-4)
    assert (df.dtype, dg.dtype) == (dtype, dtype)
    limit = 2.0 ** (-10 if dtype == torch.float16 else -7)
    for found, exact in ((df, exact_df), (dg, exact_dg)):
        assert (found.double() - exact).norm() < limit * exact.norm()


def test_gradients_have_the_dtype_of_their_feature() -> None:
    f, g = features(6, 4)
    value, df, dg = value_and_gradients(f.half(), g.double())
    assert value.dtype == torch.float64
    assert df.dtype == torch.float16
    assert dg.dtype == torch.float64


@pytest.mark.parametrize(("n", "k"), [(5, 16), (16, 5)])
def test_autocast_changes_neither_value_nor_gradient(n: int, k: int) -> None:
    f, g = features(n, k)
    plain = value_and_gradients(f, g)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert (f @ g.T).dtype == torch.bfloat16  # autocast is on
        cast = value_and_gradients(f, g)
    for a, b in zip(plain, cast, strict=True):
        assert torch.equal(a, b)
        assert b.dtype == torch.float32


@pytest.mark.parametrize("junk", [float("nan"), float("inf"), -1e30])
@pytest.mark.parametrize(("n", "k"), [(5, 8), (8, 5)])
def test_what_masked_rows_hold_does_not_matter(n: int, k: int, junk: float) -> None:
    f, g = features(n, k)
    rows = torch.arange(n) != 1
    expected, expected_df, expected_dg = value_and_gradients(f[rows], g[rows])
    f[1], g[1] = junk, junk
    value, df, dg = value_and_gradients(f, g, rows)
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    torch.testing.assert_close(df[rows], expected_df)
    torch.testing.assert_close(dg[rows], expected_dg)
    assert not df[1].any()
    assert not dg[1].any()


@pytest.mark.parametrize(("n", "k"), [(3, 6), (6, 3)])
@pytest.mark.parametrize("valid", [0, 1])
@pytest.mark.parametrize("unbiased", [True, False])
def test_fewer_than_two_rows_give_zero_and_a_zero_gradient(
    n: int, k: int, valid: int, unbiased: bool
) -> None:
    f, g = (x.requires_grad_() for x in features(n, k))
    value = soft_hgr(f, g, torch.arange(n) < valid, unbiased=unbiased)
    assert value.item() == 0
    for gradient in torch.autograd.grad(value, (f, g)):
        assert torch.equal(gradient, torch.zeros(n, k))


def test_an_empty_batch_gives_zero() -> None:
    f = torch.zeros(0, 4, requires_grad=True)
    value = soft_hgr(f, torch.zeros(0, 4))
    assert value.item() == 0
    assert torch.autograd.grad(value, f)[0].shape == (0, 4)


def test_two_rows_are_enough() -> None:
    f = torch.tensor([[0.0], [2.0]])
    # Centred: -1 and 1; inner product 2, covariances 2, so S = 2 - 2 * 2 / 2.
    assert soft_hgr(f, f).item() == 0
    assert soft_hgr(f / 2, f).item() == pytest.approx(1 - 0.5 * 2 / 2)


def test_the_inputs_are_left_as_they_were() -> None:
    f, g = features(6, 4)
    before = f.clone(), g.clone()
    value_and_gradients(f, g, torch.arange(6) > 1)
    assert torch.equal(f, before[0])
    assert torch.equal(g, before[1])
