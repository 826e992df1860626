"""Samples of windows, and statistics of descriptors."""

from pathlib import Path

import numpy as np
import pytest
import torch

from emorec.errors import UserError
from emorec.extractors import Functionals, Waveform
from emorec.media import probe, read_windows
from emorec.types import Clip, Window
from tests.helpers.media_files import tone, write_sound

WINDOWS = [Window(0.1, 0.6), Window(0.75, 1.25), Window(3.0, 3.5)]


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    samples = np.random.default_rng(0).uniform(-1, 1, 48000).astype(np.float32)
    return write_sound(tmp_path / "a.wav", samples)


def test_a_waveform_is_the_windows_samples_as_integers(sound: Path) -> None:
    media = probe(sound)
    found = Waveform().extract(Clip("a", sound), media, WINDOWS)
    wanted, _ = read_windows(media, WINDOWS, 16000)
    assert found.arrays[2] is None  # without sound
    first = found.arrays[0]
    assert first is not None
    assert first.dtype == np.int16
    assert first.shape == Waveform().shape == (8000,)
    np.testing.assert_allclose(first.astype(np.float32) / 32767, wanted[0].clip(-1, 1), atol=4e-5)
    second = found.arrays[1]
    assert second is not None
    assert not second[4000:].any()  # the clip ends after half of the window
    mean, deviation = Waveform().constants()
    assert (float(mean[0]), float(deviation[0])) == (0.0, 32767.0)


def test_a_waveform_needs_windows_of_its_length(sound: Path) -> None:
    with pytest.raises(UserError, match=r"Waveform has length 1 s, but the windows have 0\.5 s"):
        Waveform(length=1.0).extract(Clip("a", sound), probe(sound), WINDOWS)
    with pytest.raises(UserError, match="above 0"):
        Waveform(length=0.0)


def described(samples: np.ndarray) -> torch.Tensor:
    return Functionals().descriptors(torch.from_numpy(samples.astype(np.float32))[None])[0]


def test_descriptors_of_a_tone_are_known() -> None:
    energy, crossings, pitch, centroid, spread, rolled, flux, *_ = described(
        tone(16000, 0.5, 220.0)
    )
    inner = slice(5, -5)
    assert energy[inner].exp() == pytest.approx(0.125, rel=0.02)  # 0.5 ** 2 / 2
    assert crossings[inner].mean() * 16000 == pytest.approx(2 * 220, rel=0.05)
    assert pitch[inner].median() == pytest.approx(36, abs=0.3)  # three octaves above 27.5 Hz
    assert centroid[inner] == pytest.approx(220, abs=25)
    assert spread[inner].max() < 60
    assert rolled[inner] == pytest.approx(240, abs=60)
    assert flux[inner].max() < 0.05


def test_a_dark_and_a_bright_sound_differ_as_their_names_say() -> None:
    random = np.random.default_rng(0).standard_normal(8000)
    dark = np.convolve(random, np.ones(30) / 30, "same")
    bright = np.diff(random, prepend=0.0)
    alpha, hammarberg = 7, 8
    for number in (alpha, hammarberg):
        assert described(dark)[number].mean() > described(bright)[number].mean() + 1


def test_statistics_are_of_each_descriptor_in_order() -> None:
    samples = torch.from_numpy(np.random.default_rng(1).standard_normal((2, 8000))).float()
    extractor = Functionals()
    array = extractor.arrays(samples).astype(np.float64)
    assert array.shape == (2, *extractor.shape) == (2, 96)
    frames = extractor.descriptors(samples).numpy()
    low, middle, high = np.percentile(frames, (20, 50, 80), axis=-1)
    parts = [frames.mean(-1), frames.std(-1, ddof=1), low, middle, high, high - low]
    np.testing.assert_allclose(array, np.concatenate(parts, 1), rtol=1e-3, atol=1e-3)
    assert np.isfinite(extractor.arrays(torch.zeros(1, 8000)).astype(np.float64)).all()
    with pytest.raises(ValueError, match="at least 16000 Hz"):
        Functionals(8000)
