"""Convolutions on raw samples: shapes of the three variants, and what each step sees."""

import pytest
import torch
from torch import nn

from emorec.encoders import RawWaveformEncoder
from emorec.encoders.raw_waveform import Variant, long_convolution
from emorec.errors import UserError
from emorec.testing import check_encoder


@pytest.fixture
def samples() -> torch.Tensor:
    return torch.randn(2, 3 * 640, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("variant", "dim"), [("code", 1280), ("paper", 1280), ("newer", 256)])
def test_one_feature_a_step(variant: Variant, dim: int, samples: torch.Tensor) -> None:
    torch.manual_seed(0)
    encoder = RawWaveformEncoder(variant)
    assert encoder.dim == dim
    assert encoder(samples).shape == (2, 3, dim)
    check_encoder(encoder, samples)


def test_sizes_are_the_published_ones() -> None:
    def shapes(variant: Variant) -> list[tuple[int, ...]]:
        return [tuple(p.shape) for p in RawWaveformEncoder(variant).layers.parameters()][::2]

    assert shapes("code") == [(40, 1, 20), (40, 40, 40)]
    assert shapes("paper") == [(20, 1, 80), (40, 20, 4000)]
    assert shapes("newer") == [(64, 1, 8), (128, 64, 6), (256, 128, 6)]


def test_steps_of_the_code_variant_are_independent(samples: torch.Tensor) -> None:
    encoder = RawWaveformEncoder("code").eval()
    other = samples.clone()
    other[:, 640:1280] = 0
    first, second = encoder(samples), encoder(other)
    assert torch.equal(first[:, [0, 2]], second[:, [0, 2]])
    assert not torch.allclose(first[:, 1], second[:, 1])


def test_the_code_variant_is_its_layers_one_by_one(samples: torch.Tensor) -> None:
    encoder = RawWaveformEncoder("code").eval()
    one, two = encoder.layers
    assert isinstance(one, nn.Conv1d)
    assert isinstance(two, nn.Conv1d)
    x = nn.functional.pad(samples[0, :640].view(1, 1, 640), (9, 10))
    x = nn.functional.max_pool1d(one(x).relu(), 2)
    x = two(nn.functional.pad(x, (19, 20))).relu()[0]
    wanted = torch.stack([x[10 * i : 10 * i + 10].amax(0) for i in range(4)]).flatten()
    torch.testing.assert_close(encoder(samples)[0, 0], wanted)


def test_the_paper_variant_hears_half_a_second(samples: torch.Tensor) -> None:
    long = torch.randn(1, 30 * 640, generator=torch.Generator().manual_seed(1))
    encoder = RawWaveformEncoder("paper").eval()
    other = long.clone()
    other[:, 15 * 640 : 16 * 640] = 0
    moved = (encoder(long) - encoder(other)).abs().amax((0, 2)) > 1e-6
    assert moved[15 - 5 : 15 + 6].all()  # 4000 taps at 8 kHz, a quarter of a second each way
    assert not moved[:7].any()
    assert not moved[24:].any()


@pytest.mark.parametrize("taps", [5, 6, 40])
def test_long_convolution_is_a_convolution(taps: int) -> None:
    random = torch.Generator().manual_seed(0)
    x, weight = torch.randn(2, 3, 50, generator=random), torch.randn(4, 3, taps, generator=random)
    bias = torch.randn(4, generator=random)
    left = (taps - 1) // 2
    padded = nn.functional.pad(x, (left, taps - 1 - left))
    wanted = nn.functional.conv1d(padded, weight, bias)
    torch.testing.assert_close(long_convolution(x, weight, bias), wanted, atol=1e-4, rtol=1e-4)


def test_what_does_not_fit_is_refused(samples: torch.Tensor) -> None:
    with pytest.raises(UserError, match="multiple of 640 samples per window, got 1919"):
        RawWaveformEncoder()(samples[:, 1:])
    with pytest.raises(UserError, match="variant must be one of code, paper, newer"):
        RawWaveformEncoder("new")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="640 for newer"):
        RawWaveformEncoder("newer", step=320)
