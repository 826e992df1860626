"""The speaker encoder: its parts, its mel bands, and what the package makes of the same sound."""

import sys
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch

from emorec.encoders import SpeakerEncoder
from emorec.extractors import SpeakerEmbedding
from emorec.networks import VoiceNetwork
from emorec.networks.voice import part_starts, raise_level
from tests.helpers.media_files import tone


def noise(samples: int, rows: int = 1) -> torch.Tensor:
    return 0.1 * torch.randn(rows, samples, generator=torch.Generator().manual_seed(samples))


@pytest.mark.parametrize("samples", [100, 16000, 25600, 25601, 40000, 52345, 160000])
def test_parts_overlap_and_the_last_is_covered_by_three_quarters(samples: int) -> None:
    starts = part_starts(samples)
    assert starts[0] == 0
    assert set(np.diff(starts)) <= {77}
    covered = [(samples - 160 * start) / 25600 for start in starts]
    assert all(share >= 0.75 for share in covered[1:])
    # One more part would have had too little.
    assert (samples - 160 * (starts[-1] + 77)) / 25600 < 0.75


def test_mel_bands_are_powers_of_windows_of_25_ms() -> None:
    network, samples = VoiceNetwork(), noise(1600)
    mel = network.mel(samples)[0]
    assert mel.shape == (11, 40)
    padded = np.pad(samples[0].numpy(), 200)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    for frame in (0, 5, 10):
        part = padded[160 * frame :][:400] * window
        power = np.abs(np.fft.rfft(part)) ** 2
        np.testing.assert_allclose(mel[frame], power @ network.bank.numpy(), rtol=1e-3)


def test_windows_of_one_batch_do_not_mix_and_have_three_vectors() -> None:
    network = VoiceNetwork().eval()
    batch = noise(40000, 3)
    found = network.describe(batch)
    assert found.shape == (3, 1280)
    torch.testing.assert_close(network.describe(batch[1:2])[0], found[1], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found[:, :256].norm(dim=1), torch.ones(3))
    assert (found[:, 768:] >= 0).all()  # deviations


def test_quiet_windows_are_amplified_to_30_db_below_full_scale() -> None:
    loud, quiet, nothing = tone(16000, 1.0), 0.001 * tone(16000, 1.0), 0 * tone(16000, 1.0)
    samples = torch.from_numpy(np.stack([loud, quiet, nothing]).astype(np.float32))
    found = raise_level(samples)
    assert torch.equal(found[0], samples[0])
    level = 20 * torch.log10(found[1].square().mean().sqrt())
    assert float(level) == pytest.approx(-30, abs=1e-3)
    assert not found[2].any()


def test_an_encoder_with_the_weights_of_the_package_gives_what_the_extractor_caches() -> None:
    encoder = SpeakerEncoder()
    encoder.check_weights()
    encoder.load_initial_weights()
    assert not any(p.requires_grad for p in encoder.network.parameters())
    samples = noise(32000, 2)
    cached = torch.from_numpy(np.asarray(SpeakerEmbedding().arrays(samples), np.float32))
    torch.testing.assert_close(encoder(samples), encoder.last(cached), atol=1e-5, rtol=1e-4)
    learning = SpeakerEncoder("none", frozen=False)
    learning(samples).sum().backward()
    assert all(p.grad is not None for p in learning.network.parameters())


@pytest.mark.parametrize("samples", [3000, 25600, 52345])
def test_embeddings_are_those_of_the_package(samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own code imports webrtcvad too, for what is not compared."""
    import scipy.ndimage

    vad: Any = type(sys)("webrtcvad")
    gone: Any = type(sys)("scipy.ndimage.morphology")  # newer SciPy has it elsewhere
    gone.binary_dilation = scipy.ndimage.binary_dilation
    monkeypatch.setitem(sys.modules, "webrtcvad", sys.modules.get("webrtcvad", vad))
    monkeypatch.setitem(sys.modules, "scipy.ndimage.morphology", gone)
    resemblyzer = import_module("resemblyzer")

    sound = noise(samples)
    wanted = resemblyzer.VoiceEncoder("cpu", verbose=False).embed_utterance(sound[0].numpy())
    with torch.no_grad():
        found = VoiceNetwork.pretrained().describe(sound)[0, :256]
    np.testing.assert_allclose(found, wanted, atol=1e-4)
