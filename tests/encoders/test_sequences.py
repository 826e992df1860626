"""Frames of a window pooled over time, and vectors."""

from pathlib import Path

import pytest
import torch

from emorec.encoders import FrameSequenceEncoder, ImageEncoder, VectorEncoder
from emorec.encoders.frames import Pool
from emorec.errors import UserError
from emorec.testing import check_encoder


@pytest.fixture
def frames() -> torch.Tensor:
    return torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))


def sequence(pool: Pool) -> FrameSequenceEncoder:
    torch.manual_seed(0)
    return FrameSequenceEncoder(VectorEncoder(7, dim=6), pool)


@pytest.mark.parametrize("pool", ["mean", "max", "attention", "gru"])
def test_frames_are_pooled(pool: Pool, frames: torch.Tensor) -> None:
    encoder = sequence(pool)
    check_encoder(encoder, frames)
    encoder.eval()
    with torch.no_grad():
        assert encoder(frames).shape == (2, 6)
        alone = torch.stack([encoder.encoder(frames[:, i]) for i in range(5)], 1)
        wanted = {"mean": alone.mean(1), "max": alone.amax(1)}
        if pool in wanted:
            torch.testing.assert_close(encoder(frames), wanted[pool], atol=1e-5, rtol=1e-4)
        turned = encoder(frames.flip(1))
        in_order = torch.allclose(turned, encoder(frames), atol=1e-5)
        assert in_order == (pool != "gru")


def test_without_pooling_the_steps_are_kept(frames: torch.Tensor) -> None:
    assert sequence("none")(frames).shape == (2, 5, 6)
    with pytest.raises(ValueError, match="needs an even dim"):
        FrameSequenceEncoder(VectorEncoder(7, dim=5), "gru")


def test_pictures_are_encoded_frame_by_frame(tmp_path: Path) -> None:
    image = ImageEncoder("shufflenet_v2_x0_5", dim=6)
    weights = tmp_path / "trunk.pth"
    other = ImageEncoder("shufflenet_v2_x0_5", dim=6)
    torch.save(other.trunk.state_dict(), weights)
    image.weights = str(weights)
    encoder = FrameSequenceEncoder(image, "max")
    encoder.check_weights()
    encoder.load_initial_weights()
    (first, *_), (wanted, *_) = image.trunk.parameters(), other.trunk.parameters()
    assert torch.equal(first, wanted)
    check_encoder(encoder, torch.randn(2, 4, 3, 40, 40))


def test_vectors_of_another_length_are_refused() -> None:
    check_encoder(VectorEncoder(7, dim=4, layers=3, width=5), torch.randn(6, 7))
    with pytest.raises(UserError, match="has inputs: 7, but the data has 8 values"):
        VectorEncoder(7)(torch.randn(2, 8))
    with pytest.raises(UserError, match="at least 1"):
        VectorEncoder(7, layers=0)


def test_layers_before_the_last_can_have_widths_of_their_own() -> None:
    encoder = VectorEncoder(1582, dim=128, widths=[512, 256], dropout=0.0, activate=True)
    linear = [m for m in encoder.layers if isinstance(m, torch.nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [
        (1582, 512),
        (512, 256),
        (256, 128),
    ]
    assert isinstance(encoder.layers[-1], torch.nn.ReLU)
    check_encoder(encoder, torch.randn(4, 1582))
    assert encoder(torch.randn(4, 1582)).min() == 0
    assert len(VectorEncoder(7, dim=4, widths=[]).layers) == 1
    with pytest.raises(UserError, match="each of widths"):
        VectorEncoder(7, widths=[5, 0])


def test_weights_of_equal_widths_have_the_names_they_had() -> None:
    old = VectorEncoder(7, dim=4, layers=3, width=5)
    names = ["layers.0.weight", "layers.0.bias", "layers.3.weight", "layers.3.bias"]
    assert list(old.state_dict()) == [*names, "layers.6.weight", "layers.6.bias"]
    new = VectorEncoder(7, dim=4, widths=[5, 5], activate=True)
    new.load_state_dict(old.state_dict())
    x = torch.randn(3, 7)
    torch.testing.assert_close(new.eval()(x), old.eval()(x).relu())
