"""The image networks of Kim et al. 2017: sizes as published, and what black frames do."""

import pytest
import torch
from torch import nn

from emorec.encoders import C3DA, S3DAE, Encoder
from emorec.encoders.face_clip import shown_frames
from emorec.errors import UserError
from emorec.testing import check_encoder


@pytest.mark.parametrize("mask", [False, True])
def test_they_keep_what_an_encoder_promises(mask: bool) -> None:
    clips = torch.rand(3, 16, 1, 32, 32)
    check_encoder(C3DA(1 / 32, mask), clips)
    check_encoder(S3DAE(16, 32, 1 / 16, mask), clips)


def maps_of(network: nn.Sequential, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a network's output, computed without memory."""
    with torch.device("meta"):
        return tuple(network.to("meta")(torch.empty(shape)).shape)


def test_sizes_are_the_published_ones() -> None:
    c3da, s3dae = C3DA(), S3DAE()
    first = maps_of(c3da.first, (1, 1, 40, 224, 224))
    second = maps_of(c3da.second, first)
    third = maps_of(c3da.third, second)
    assert [first, second, third] == [
        (1, 128, 5, 28, 28),
        (1, 512, 3, 14, 14),
        (1, 512, 2, 7, 7),
    ]
    assert (c3da.dim, dict(c3da.sides)) == (1024, {"first": 256, "second": 512})
    code = maps_of(s3dae.encoder, (1, 1, 40, 112, 112))
    assert code == (1, 128, 5, 14, 14)
    assert maps_of(s3dae.classifier, code) == (1, 256, 2, 7, 7)
    assert (s3dae.dim, dict(s3dae.sides)) == (256, {"map": 128 * 5 * 14 * 14})


@pytest.mark.parametrize("made", [lambda m: C3DA(1 / 16, m), lambda m: S3DAE(32, 32, 1 / 8, m)])
def test_a_mask_leaves_black_frames_out_of_the_maxima(made: type[Encoder]) -> None:
    torch.manual_seed(0)
    clip = torch.rand(1, 32, 1, 32, 32)
    clip[:, 16:] = 0
    changes = {}
    for mask in (False, True):
        network = made(mask).eval()
        whole = network(clip)[:, : network.dim]
        clip_end = clip.clone()
        clip_end[:, 28:] = 1.0  # then nothing is black
        changes[mask] = (whole - network(clip_end)[:, : network.dim]).abs().max()
        assert torch.isfinite(whole).all()
    shown = shown_frames(torch.stack([clip[0], torch.zeros_like(clip[0])]))
    assert shown.sum(1).tolist() == [16, 32]
    network = made(True).eval()
    longer = torch.cat([clip[:, :16], 0 * clip[:, :16]], 1)
    torch.testing.assert_close(network(clip), network(longer))


def test_other_inputs_are_refused() -> None:
    for shape in ((2, 16, 3, 32, 32), (2, 3, 32, 32)):
        with pytest.raises(UserError, match="such as FaceClip extracts"):
            C3DA(1 / 32)(torch.rand(shape))
    with pytest.raises(UserError, match="set its frames and size to those of FaceClip"):
        S3DAE(16, 32, 1 / 16)(torch.rand(2, 16, 1, 40, 40))
    with pytest.raises(UserError, match="must be multiples of 8, got 20 and 112"):
        S3DAE(frames=20)
    with pytest.raises(UserError, match="leaves none"):
        C3DA(0.001)
