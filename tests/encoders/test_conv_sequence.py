"""The convolutional encoder of sequences: its sizes and what it refuses."""

from typing import Any

import pytest
import torch
from torch import nn

from emorec.encoders import ConvSequenceEncoder
from emorec.errors import UserError
from emorec.testing import check_encoder


def test_sizes_are_the_published_ones() -> None:
    encoder = ConvSequenceEncoder()
    assert encoder.maps == (32, 2, 29)
    x = torch.randn(2, 18, 342)
    shapes = []
    y = x.unsqueeze(1)
    for layer in encoder.convolutions:
        y = layer(y)
        if isinstance(layer, nn.Conv2d):
            shapes.append(tuple(y.shape[1:]))
    assert shapes == [(16, 9, 171), (64, 4, 85), (32, 2, 29)]
    features = encoder(x)
    assert features.shape == (2, 128)
    assert features.min() == 0


@pytest.mark.parametrize(("steps", "inputs"), [(18, 900), (6, 6), (7, 50), (30, 11)])
def test_other_sizes_are_computed(steps: int, inputs: int) -> None:
    encoder = ConvSequenceEncoder(steps, inputs, dim=5)
    x = torch.randn(3, steps, inputs)
    assert tuple(encoder.convolutions(x.unsqueeze(1)).shape[1:]) == encoder.maps
    check_encoder(encoder, x)


def test_layers_after_the_convolutions() -> None:
    x = torch.randn(40, 8, 9)
    encoder = ConvSequenceEncoder(8, 9, 5, convolutions=[(3, 4, 2)], hidden=7)
    assert encoder.hidden is not None
    maps = encoder.convolutions(x.unsqueeze(1)).flatten(1)
    wanted = encoder.last(encoder.hidden(maps).relu()).relu()
    torch.testing.assert_close(encoder(x), wanted)
    encoder = ConvSequenceEncoder(8, 9, 5, convolutions=[(3, 4, 2)], hidden=7, activate=False)
    assert encoder.hidden is not None
    maps = encoder.convolutions(x.unsqueeze(1)).flatten(1)
    torch.testing.assert_close(encoder(x), encoder.last(encoder.hidden(maps)))


@pytest.mark.parametrize(("steps", "inputs"), [(5, 342), (18, 5), (0, 9)])
def test_what_is_too_small_is_named(steps: int, inputs: int) -> None:
    with pytest.raises(UserError, match="needs steps and inputs of at least 6"):
        ConvSequenceEncoder(steps, inputs)


@pytest.mark.parametrize("options", [{"dim": 0}, {"hidden": -1}, {"convolutions": []}])
def test_sizes_below_one_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"convolutions of \[channels, kernel, stride\] and dim"):
        ConvSequenceEncoder(18, 342, **options)


def test_another_shape_is_refused() -> None:
    with pytest.raises(UserError, match="has steps: 18 and inputs: 342, but the data has 18 x 9"):
        ConvSequenceEncoder()(torch.randn(2, 18, 9))
