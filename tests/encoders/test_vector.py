"""Vectors: dropout of inputs by their sums, and what is refused."""

import pytest
import torch
from torch import nn

from emorec.encoders import VectorEncoder
from emorec.encoders.vector import DroppedLinear
from emorec.errors import UserError


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.8])
def test_sums_of_dropped_inputs_have_the_moments_of_masks(rate: float) -> None:
    torch.manual_seed(0)
    layer, masked = DroppedLinear(300, 4, rate), nn.Dropout(rate)
    x = torch.randn(2, 300)
    with torch.no_grad():
        ours = torch.stack([layer(x) for _ in range(4000)])
        theirs = torch.stack(
            [nn.functional.linear(masked(x), layer.weight, layer.bias) for _ in range(4000)]
        )
    torch.testing.assert_close(ours.std(0), theirs.std(0), rtol=0.06, atol=0)
    spread = theirs.std(0).max().item()
    torch.testing.assert_close(ours.mean(0), theirs.mean(0), rtol=0, atol=0.08 * spread)
    # Normal, as the sum of many is: quartiles at 0.6745 deviations.
    inner = ((ours - ours.mean(0)).abs() < 0.6745 * ours.std(0)).float().mean(0)
    torch.testing.assert_close(inner, torch.full_like(inner, 0.5), rtol=0, atol=0.03)
    layer.eval()
    torch.testing.assert_close(layer(x), nn.functional.linear(x, layer.weight, layer.bias))


def test_gradients_are_finite_where_all_inputs_are_zero() -> None:
    encoder = VectorEncoder(10, 4, layers=1, input_dropout=0.5)
    encoder(torch.zeros(3, 10)).sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in encoder.parameters() if p.grad is not None)


def test_names_of_parameters_stay() -> None:
    names = [
        name for name, _ in VectorEncoder(10, 4, layers=2, input_dropout=0.5).named_parameters()
    ]
    assert names == ["layers.1.weight", "layers.1.bias", "layers.4.weight", "layers.4.bias"]


def test_rates_outside_of_0_to_1_are_refused() -> None:
    with pytest.raises(UserError, match="input_dropout must be from 0 to below 1"):
        VectorEncoder(10, 4, input_dropout=1.0)
