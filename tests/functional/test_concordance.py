"""The concordance coefficient: known values, gaps, gradients, precision."""

import pytest
import torch
from torch import Tensor
from torchmetrics.functional import concordance_corrcoef

from emorec.functional import concordance

RANDOM = torch.Generator().manual_seed(3)
Y = torch.randn(40, 3, generator=RANDOM, dtype=torch.float64)
X = 0.5 * Y + 0.3 + 0.4 * torch.randn(40, 3, generator=RANDOM, dtype=torch.float64)
GAPS = torch.rand(40, 3, generator=RANDOM) < 0.3


def plain(x: Tensor, y: Tensor) -> Tensor:
    """Return the formula on one dimension."""
    cov = ((x - x.mean()) * (y - y.mean())).mean()
    return 2 * cov / (x.var(correction=0) + y.var(correction=0) + (x.mean() - y.mean()) ** 2)


def plain_with_gaps(x: Tensor, y: Tensor) -> Tensor:
    columns = [(x[:, i], y[:, i], ~y[:, i].isnan()) for i in range(y.shape[1])]
    return torch.stack([plain(a[known], b[known]) for a, b, known in columns])


def test_a_target_agrees_with_itself_and_not_with_its_mirror() -> None:
    torch.testing.assert_close(concordance(Y, Y), torch.ones(3).double())
    centred = Y - Y.mean(0)
    torch.testing.assert_close(concordance(-centred, centred), -torch.ones(3).double())


def test_values_are_those_of_the_formula_and_of_torchmetrics() -> None:
    found = concordance(X, Y)
    torch.testing.assert_close(found, plain_with_gaps(X, Y))
    # Theirs divides by n - 1.
    assert torch.allclose(found, concordance_corrcoef(X, Y), atol=0.01)


@pytest.mark.parametrize("gaps", [False, True])
def test_the_gradient_is_that_of_the_plain_formula(gaps: bool) -> None:
    y = Y.masked_fill(GAPS, torch.nan) if gaps else Y
    weights = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    ours, theirs = X.clone().requires_grad_(), X.clone().requires_grad_()
    value, wanted = concordance(ours, y), plain_with_gaps(theirs, y)
    torch.testing.assert_close(value, wanted)
    (value @ weights).backward()  # type: ignore[no-untyped-call]
    (wanted @ weights).backward()  # type: ignore[no-untyped-call]
    assert ours.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-12, rtol=1e-9)
    assert torch.autograd.gradcheck(lambda x: concordance(x, y), (ours,))


def test_unknown_values_may_hold_anything() -> None:
    y = Y.masked_fill(GAPS, torch.nan)
    x = X.masked_fill(GAPS, torch.nan).requires_grad_()
    concordance(x, y).sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(concordance(x, y), plain_with_gaps(X, y))
    assert x.grad is not None
    assert not x.grad[GAPS].any()
    assert x.grad.isfinite().all()


def test_what_does_not_vary_or_is_not_known_is_zero() -> None:
    for target in (torch.ones(5, 1), torch.full((5, 1), torch.nan), torch.zeros(0, 1)):
        x = torch.ones(len(target), 1, requires_grad=True)
        value = concordance(x, target)
        value.sum().backward()  # type: ignore[no-untyped-call]
        assert value.item() == 0
        assert x.grad is not None
        assert not x.grad.any()
    flat = torch.ones(5, 1, requires_grad=True)
    concordance(flat, torch.arange(5.0).unsqueeze(1)).sum().backward()  # type: ignore[no-untyped-call]
    assert flat.grad is not None
    assert flat.grad.any()  # a constant prediction can be improved


def test_float32_far_from_zero_and_half_precision() -> None:
    far = concordance((X + 1000).float(), (Y + 1000).float())
    assert torch.allclose(far.double(), plain_with_gaps(X + 1000, Y + 1000), atol=1e-3)
    with torch.autocast("cpu", torch.bfloat16):
        value = concordance(X.bfloat16(), Y.float())
    assert value.dtype == torch.float32
    assert torch.allclose(value.double(), plain_with_gaps(X, Y), atol=0.01)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"two matrices .* got \(40, 3\) and \(40, 2\)"):
        concordance(X, Y[:, :2])
    with pytest.raises(ValueError, match="two matrices"):
        concordance(X[0], Y[0])
