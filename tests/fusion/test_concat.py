"""Concatenation and fully connected layers."""

import pytest
import torch
from torch import nn

from emorec.fusion import ConcatFusion
from emorec.types import Sizes

SIZES = Sizes({"face": 3, "audio": 2}, {"emotion": 6})
PRESENT = {name: torch.ones(4, dtype=torch.bool) for name in SIZES.features}
FEATURES = {"audio": torch.randn(4, 2), "face": torch.randn(4, 3)}


def linear_layers(fusion: nn.Module) -> list[nn.Linear]:
    return [module for module in fusion.modules() if isinstance(module, nn.Linear)]


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_it_has_the_given_layers_and_width(layers: int) -> None:
    fusion = ConcatFusion(SIZES, layers=layers, width=7)
    shapes = [(layer.in_features, layer.out_features) for layer in linear_layers(fusion)]
    assert shapes == [(5, 7), *[(7, 7)] * (layers - 1)]
    fused = fusion(FEATURES, PRESENT)
    assert fused.shape == (4, fusion.dim) == (4, 7)


def test_one_layer_is_a_rectified_affine_map_of_audio_then_face() -> None:
    fusion = ConcatFusion(SIZES, width=7)
    (layer,) = linear_layers(fusion)
    x = torch.cat([FEATURES["audio"], FEATURES["face"]], 1)
    expected = (x @ layer.weight.T + layer.bias).clamp(min=0)
    torch.testing.assert_close(fusion(FEATURES, PRESENT), expected)
    backwards = dict(reversed(FEATURES.items()))
    assert torch.equal(fusion(backwards, PRESENT), fusion(FEATURES, PRESENT))


def test_features_over_time_keep_their_steps() -> None:
    steps = {name: value.unsqueeze(1).expand(-1, 9, -1) for name, value in FEATURES.items()}
    fusion = ConcatFusion(SIZES, width=7)
    fused = fusion(steps, PRESENT)
    assert fused.shape == (4, 9, 7)
    torch.testing.assert_close(fused[:, 5], fusion(FEATURES, PRESENT))


def test_the_head_goes_from_the_width_to_the_outputs() -> None:
    head = ConcatFusion(SIZES, width=7).head(6)
    assert isinstance(head, nn.Linear)
    assert (head.in_features, head.out_features) == (7, 6)


def test_the_width_is_512_by_default() -> None:
    assert ConcatFusion(SIZES).dim == 512


@pytest.mark.parametrize(("layers", "width"), [(0, 4), (-1, 4), (1, 0)])
def test_options_below_one_are_refused(layers: int, width: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1, got {layers}, {width}, None"):
        ConcatFusion(SIZES, layers=layers, width=width)
