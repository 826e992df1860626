"""Sound far into long files: decoding starts near it, and finds what decoding all finds."""

from pathlib import Path

import numpy as np
import pytest

from emorec.media import Media, probe, read_windows
from emorec.media import samples as samples_module
from emorec.media.channels import Samples
from emorec.media.samples import read_samples
from emorec.types import Window
from tests.helpers.media_files import Sound, delay, spoiled, write_media, write_sound

RATE = 16000
WINDOW = Window(45.1, 46.1)
FILES = {  # name: codec, rate, channels
    "a.mp4": ("aac", 44100, 2),
    "a.m4a": ("alac", 44100, 1),
    "a.mkv": ("aac", 44100, 1),
    "a.webm": ("libopus", 48000, 2),
    "a.wav": ("", 44100, 2),
    "a.mp3": ("libmp3lame", 44100, 1),
    "a.avi": ("pcm_s16le", 22050, 1),
}
FROM_THE_START = {"a.mp3", "a.avi"}


def noise(rate: int, channels: int) -> Samples:
    """Return a minute of noise, louder each second."""
    random = np.random.default_rng(0)
    loudness = np.linspace(0.05, 0.5, 60 * rate)
    return (loudness * random.uniform(-1, 1, (channels, 60 * rate))).astype(np.float32)


def write(folder: Path, name: str) -> Media:
    codec, rate, channels = FILES[name]
    if name.endswith(".wav"):
        return probe(write_sound(folder / name, noise(rate, channels), rate))
    return probe(write_media(folder / name, Sound(noise(rate, channels), rate, codec)))


def decoded_from(media: Media, start: float) -> float:
    """Return the time of the first samples that are decoded."""
    return next(read_samples(media, start))[0]


def whole(media: Media, monkeypatch: pytest.MonkeyPatch) -> Samples:
    with monkeypatch.context() as patch:
        patch.setattr(samples_module, "FAR", float("inf"))
        assert decoded_from(media, WINDOW.start) == pytest.approx(0, abs=0.1)
        found: Samples = read_windows(media, [WINDOW], RATE)[0][0]
        return found


@pytest.mark.parametrize("name", FILES)
def test_the_same_sound_is_found(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = write(tmp_path, name)
    wanted = whole(media, monkeypatch)
    found = read_windows(media, [WINDOW], RATE)[0][0]
    first = decoded_from(media, WINDOW.start)
    if name in FROM_THE_START:
        assert first == pytest.approx(0, abs=0.1)
        np.testing.assert_array_equal(found, wanted)
    else:
        assert 35 < first <= 42.5
        # Matroska rounds times to milliseconds, and resampling begins between two samples.
        assert abs(delay(found, wanted)) <= (16 if name.endswith(("mkv", "webm")) else 1)
        shares = np.abs(np.fft.rfft([found, wanted]))
        assert np.corrcoef(shares)[0, 1] > 0.99


def test_where_seeking_leads_too_far_all_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = write(tmp_path, "a.mp4")
    wanted = whole(media, monkeypatch)
    monkeypatch.setattr(samples_module, "BEFORE", -5.0)  # that far behind
    assert decoded_from(media, WINDOW.start) == pytest.approx(0, abs=0.1)
    np.testing.assert_array_equal(read_windows(media, [WINDOW], RATE)[0][0], wanted)


def test_damage_long_before_is_not_that_of_the_clip(tmp_path: Path) -> None:
    media = write(tmp_path, "a.mp4")
    spoiled(media.path, 0.2, 0.25)
    assert read_windows(media, [Window(12.0, 13.0)], RATE)[1] > 0
    assert read_windows(media, [WINDOW], RATE)[1] == 0


def test_a_window_beyond_the_sound_is_silent(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.wav"):
        found, _ = read_windows(write(tmp_path, name), [Window(70.0, 71.0)], RATE)
        assert not found.any()
