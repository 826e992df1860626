"""Maximum mean discrepancy: against a slow transcription, and its properties."""

import math

import pytest
import torch
from torch import Tensor

from emorec.functional import mmd

RANDOM = torch.Generator().manual_seed(9)
X = torch.randn(7, 3, generator=RANDOM, dtype=torch.float64)
Y = 1 + 0.5 * torch.randn(7, 3, generator=RANDOM, dtype=torch.float64)


def slow(x: Tensor, y: Tensor) -> float:
    """Return the formula pair by pair."""
    rows = [*x, *y]
    n, m, total = len(x), len(y), len(x) + len(y)
    squares = [[float(((a - b) ** 2).sum()) for b in rows] for a in rows]
    base = sum(map(sum, squares)) / (total * total - total) / 2**2
    kernel = [[sum(math.exp(-d / (base * 2**i)) for i in range(5)) for d in r] for r in squares]
    xx = sum(kernel[i][j] for i in range(n) for j in range(n)) / n**2
    yy = sum(kernel[i][j] for i in range(n, total) for j in range(n, total)) / m**2
    xy = sum(kernel[i][j] for i in range(n) for j in range(n, total)) / (n * m)
    return xx + yy - 2 * xy


@pytest.mark.parametrize("rows", [7, 4, 2, 1])
def test_values_are_those_of_the_formula(rows: int) -> None:
    assert mmd(X, Y[:rows]).item() == pytest.approx(slow(X, Y[:rows]))
    assert mmd(Y[:rows], X).item() == pytest.approx(mmd(X, Y[:rows]).item())


def test_equal_sets_do_not_differ_whatever_the_order() -> None:
    assert mmd(X, X.flip(0)).item() == pytest.approx(0, abs=1e-12)
    torch.testing.assert_close(mmd(X, Y), mmd(X.flip(0), Y))
    assert mmd(X.float(), X.float()).item() == pytest.approx(0, abs=1e-5)


def test_it_grows_with_a_shift_of_the_mean() -> None:
    x = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    y = torch.randn(60, 4, generator=torch.Generator().manual_seed(1))
    found = [mmd(x, y + shift).item() for shift in (0.0, 0.5, 1.0, 2.0, 4.0)]
    assert found == sorted(found)
    assert found[-1] < 10
    # Also far from the origin, in float32.
    assert mmd(x + 1000, y + 1001).item() == pytest.approx(mmd(x, y + 1).item(), abs=0.01)


def test_the_bandwidth_has_no_gradient() -> None:
    x = X.clone().requires_grad_()
    (found,) = torch.autograd.grad(mmd(x, Y), x)
    rows = torch.cat([X, Y])
    base = torch.cdist(rows, rows).square().sum() / (14 * 13) / 4
    z = X.clone().requires_grad_()
    both = torch.cat([z, Y])
    distance = (both.unsqueeze(0) - both.unsqueeze(1)).square().sum(-1)
    kernel = sum(((-distance / (base * 2**i)).exp() for i in range(5)), torch.zeros(()))
    value = kernel[:7, :7].mean() + kernel[7:, 7:].mean() - 2 * kernel[:7, 7:].mean()
    (wanted,) = torch.autograd.grad(value, z)
    torch.testing.assert_close(found, wanted)
    step = 1e-6 * (X - Y)
    moved = (mmd(X + step, Y) - mmd(X, Y)).item()
    # With the bandwidth's own change the slope is another one.
    assert (found * step).sum().item() != pytest.approx(moved, rel=1e-3)


@pytest.mark.parametrize("rows", [1, 2])
def test_few_and_equal_rows_are_finite(rows: int) -> None:
    for x, y in ((X[:rows], Y[:rows]), (X[:1].expand(rows, 3), X[:1].expand(rows, 3))):
        a = x.float().clone().requires_grad_()
        value = mmd(a, y.float())
        value.backward()  # type: ignore[no-untyped-call]
        assert value.isfinite()
        assert a.grad is not None
        assert a.grad.isfinite().all()


def test_an_empty_set_gives_zero_and_other_widths_are_refused() -> None:
    x = X.clone().requires_grad_()
    value = mmd(x, Y[:0])
    value.backward()  # type: ignore[no-untyped-call]
    assert value.item() == 0
    assert x.grad is not None
    assert not x.grad.any()
    with pytest.raises(ValueError, match="two matrices with the same number of columns"):
        mmd(X, Y[:, :2])


def test_half_precision_is_widened() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        value = mmd(X.bfloat16(), Y.bfloat16())
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(mmd(X, Y).item(), abs=0.05)
