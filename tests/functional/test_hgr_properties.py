"""Properties of soft-HGR for arbitrary features; what ranks do is in test_distributed.py."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from emorec.functional import hgr_spectrum, soft_hgr


@st.composite
def feature_pairs(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Two float64 feature sets (n, k) of any offset and spread, n below and above k."""
    n, k = draw(st.integers(2, 12)), draw(st.integers(1, 12))
    random = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    spread = 10 ** draw(st.floats(-2, 1))
    f, g = (torch.randn(n, k, generator=random, dtype=torch.float64) for _ in range(2))
    return spread * (f + draw(st.floats(-5, 5))), spread * (g + draw(st.floats(-1, 1)) * f)


def near(value: Tensor, f: Tensor, g: Tensor) -> object:
    """Equal up to rounding, which grows with the fourth power of the features."""
    size = max(1.0, float(f.abs().max()), float(g.abs().max()))
    return pytest.approx(value.item(), rel=1e-9, abs=1e-13 * size**4)


@given(feature_pairs(), st.floats(-100, 100))
def test_a_shift_changes_nothing(pair: tuple[Tensor, Tensor], shift: float) -> None:
    f, g = pair
    offset = shift * torch.linspace(-1, 1, f.shape[1], dtype=torch.float64)
    assert soft_hgr(f + offset, g).item() == pytest.approx(
        soft_hgr(f, g).item(), rel=1e-6, abs=1e-6
    )


@given(feature_pairs())
def test_it_is_symmetric(pair: tuple[Tensor, Tensor]) -> None:
    f, g = pair
    assert soft_hgr(g, f).item() == near(soft_hgr(f, g), f, g)


@given(feature_pairs(), st.integers(0, 2**31))
def test_the_order_of_rows_is_nothing(pair: tuple[Tensor, Tensor], seed: int) -> None:
    f, g = pair
    order = torch.randperm(len(f), generator=torch.Generator().manual_seed(seed))
    assert soft_hgr(f[order], g[order]).item() == near(soft_hgr(f, g), f, g)


@given(feature_pairs(), st.integers(0, 2**31))
def test_a_rotation_of_both_feature_sets_changes_nothing(
    pair: tuple[Tensor, Tensor], seed: int
) -> None:
    f, g = pair
    random = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(
        torch.randn(f.shape[1], f.shape[1], generator=random, dtype=torch.float64)
    ).Q
    assert soft_hgr(f @ turn, g @ turn).item() == near(soft_hgr(f, g), f, g)


@given(feature_pairs())
def test_no_scale_takes_it_above_half_the_squared_spectrum(pair: tuple[Tensor, Tensor]) -> None:
    f, g = pair
    bound = hgr_spectrum(f, g).square().sum().item() / 2
    assert soft_hgr(f, g).item() <= bound + 1e-6


@pytest.mark.parametrize("scale", [0.01, 1.0])
def test_a_compiled_model_trains_as_the_plain_one(scale: float) -> None:
    torch.manual_seed(0)
    x = scale * torch.randn(10, 6)

    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(6, 4), nn.Linear(6, 4)

        def forward(self, x: Tensor) -> Tensor:
            rows = torch.arange(len(x)) != 3
            return -soft_hgr(self.one(x), self.two(x).relu(), rows)

    plain = Pair()
    # Without the code generator, which needs a C++ compiler: what can break is the tracing.
    compiled = torch.compile(plain, backend="aot_eager")
    results = []
    for model in (plain, compiled):
        loss = model(x)
        results.append((loss, *torch.autograd.grad(loss, list(plain.parameters()))))
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)
