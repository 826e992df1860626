"""Each loss on the device, in each precision, against float64 on the CPU."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from emorec.functional import concordance, hgr_spectrum, soft_hgr, soft_hgr_pairs
from emorec.functional.conditional import conditional_soft_hgr
from tests.helpers.closeness import distance
from tests.helpers.functional_ranks import ALTERNATIVES, LABELLED

pytestmark = pytest.mark.gpu

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
K = 512


def by_group(f: Tensor, g: Tensor, rows: Tensor) -> Tensor:
    groups = torch.arange(len(f), device=f.device) % 4
    return conditional_soft_hgr(f, g, groups, 4, rows)


def three(f: Tensor, g: Tensor, rows: Tensor) -> Tensor:
    return soft_hgr_pairs([f, g, f + g], rows)[0].sum()


def agreement(f: Tensor, g: Tensor, rows: Tensor) -> Tensor:
    return concordance(f, g.masked_fill(~rows.unsqueeze(1), torch.nan)).sum()


LOSSES: dict[str, Loss] = {
    "soft_hgr": soft_hgr,
    "three sets": three,
    "conditional": by_group,
    **ALTERNATIVES,
    **LABELLED,
    "concordance": agreement,
}
# Of the features' dtype, with some room for what a loss does to rounding in its inputs' gradient.
LIMITS = {torch.float32: 2e-4, torch.bfloat16: 2e-2, torch.float16: 3e-3}


def inputs(n: int, k: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Return features on the CPU that the dtype holds exactly, and which rows count."""
    random = torch.Generator().manual_seed(n)
    f = torch.randn(n, k, generator=random)
    g = torch.randn(n, k, generator=random) + 0.5 * f
    rows = torch.rand(n, generator=random) < 0.8
    return f.to(dtype), g.to(dtype), rows


def value_and_gradients(
    loss: Loss, f: Tensor, g: Tensor, rows: Tensor, half: torch.dtype | None = None
) -> list[Tensor]:
    f, g = (x.detach().requires_grad_() for x in (f, g))
    with torch.autocast(f.device.type, half, enabled=half is not None):
        assert half is None or (f @ g.T).dtype == half, "autocast is on"
        value = loss(f, g, rows)
    return [value.detach(), *torch.autograd.grad(value, (f, g), allow_unused=True)]


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize("shape", [(90, K), (96, 24)], ids=str)
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_that_of_float64(
    device: str, name: str, shape: tuple[int, int], dtype: torch.dtype
) -> None:
    f, g, rows = inputs(*shape, dtype)
    if name == "deep_cca":  # ill-conditioned where there are fewer rows than features
        f, g = f[:, :24], g[:, :24]
    loss = LOSSES[name]
    exact = value_and_gradients(loss, f.double(), g.double(), rows)
    found = value_and_gradients(loss, f.to(device), g.to(device), rows.to(device))
    assert found[0].dtype == torch.float32
    assert distance(found[0], exact[0]) < 1e-4, "the value is computed wide in each dtype"
    for mine, other in zip(found[1:], exact[1:], strict=True):
        if other is not None:
            assert mine.dtype == dtype
            assert distance(mine, other) < LIMITS[dtype]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("name", LOSSES)
def test_autocast_does_not_narrow_a_loss(device: str, name: str, dtype: torch.dtype) -> None:
    f, g, rows = (x.to(device) for x in inputs(48, 24, torch.float32))
    plain = value_and_gradients(LOSSES[name], f, g, rows)
    cast = value_and_gradients(LOSSES[name], f, g, rows, dtype)
    for mine, other in zip(cast, plain, strict=True):
        if other is not None:
            assert mine.dtype == torch.float32
            assert distance(mine, other.double().cpu()) < 1e-5


def test_the_spectrum_is_that_of_the_cpu(device: str) -> None:
    f, g, rows = inputs(400, 24, torch.float32)
    there = hgr_spectrum(f.to(device), g.to(device), rows.to(device))
    torch.testing.assert_close(there.cpu(), hgr_spectrum(f, g, rows), rtol=1e-6, atol=1e-8)


def test_a_large_spread_in_half_precision_stays_finite(device: str) -> None:
    f, g, rows = inputs(90, 96, torch.float32)
    for dtype in (torch.float16, torch.bfloat16):
        a, b = ((60 * x).to(device, dtype) for x in (f, g))
        value = soft_hgr(a, b, rows.to(device))
        exact = soft_hgr(a.double().cpu(), b.double().cpu(), rows)
        assert value.item() == pytest.approx(exact.item(), rel=1e-4)
