from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from emorec.encoders import ImageEncoder
from emorec.extractors import Extraction, LogMel
from emorec.media import probe
from emorec.system.findings import Finding, FindingKind
from emorec.types import Clip, Window
from emorec.windows import RandomWindows
from tests.helpers.media_files import Picture, Samples, Sound, times, tone, write_media, write_sound

HopMode = Literal["hop256_center", "hop10ms_resize"]
RATES = [48000, 22050, 16000]
MODES: list[HopMode] = ["hop256_center", "hop10ms_resize"]


def extract(path: Path, windows: list[Window], mel: LogMel | None = None) -> Extraction:
    return (mel or LogMel()).extract(Clip("a", path), probe(path), windows)


def noise(seconds: float, rms: float, rate: int = 48000) -> Samples:
    values = np.random.default_rng(0).standard_normal((1, round(seconds * rate)))
    return (rms * values).astype(np.float32)


def slow_spectrogram(
    samples: Samples, rate: int, mode: str, low: float = 20.0, high: float = 8000.0
) -> NDArray[np.float64]:
    """Return the log-mel of one window, written frame by frame and bin by bin."""
    length = round(0.04 * rate)
    n_fft = 2048 if rate == 48000 else 1024
    window = np.zeros(n_fft)
    first = (n_fft - length) // 2
    window[first : first + length] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    if mode == "hop256_center":
        hop = {48000: 256, 22050: 118, 16000: 86}[rate]
        padded = np.pad(samples.astype(np.float64), n_fft // 2, mode="reflect")
        count = 1 + len(samples) // hop
    else:
        hop = round(0.01 * rate)
        padded = np.pad(samples.astype(np.float64), (first, n_fft - length - first))
        count = 1 + (len(samples) - length) // hop
    edges = 700 * (10 ** (np.linspace(mel(low), mel(high), 94 + 2) / 2595) - 1)
    bins = np.arange(n_fft // 2 + 1) * rate / n_fft
    out = np.zeros((94, count))
    for i in range(count):
        power = np.abs(np.fft.rfft(padded[i * hop : i * hop + n_fft] * window)) ** 2
        for band in range(94):
            left, peak, right = edges[band : band + 3]
            rise, fall = (bins - left) / (peak - left), (right - bins) / (right - peak)
            out[band, i] = power @ np.maximum(0, np.minimum(rise, fall))
    return np.log(stretch(out, 94) + 1e-10)


def mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


def stretch(power: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
    """Interpolate linearly between the centres of the frames."""
    count = power.shape[1]
    at = (np.arange(frames) + 0.5) * count / frames - 0.5
    return np.stack([np.interp(at, np.arange(count), row) for row in power])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seconds", [0.43, 0.5])
def test_T7_audio_image_has_three_identical_channels_of_94_by_94(
    tmp_path: Path, seconds: float, rate: int, mode: HopMode
) -> None:
    path = write_sound(tmp_path / "a.wav", tone(48000, seconds)[None])
    windows = RandomWindows(count=3)("a", probe(path).duration)
    extractor = LogMel(sample_rate=rate, hop_mode=mode)
    assert extractor.shape == (1, 94, 94)
    images = []
    for array in extract(path, windows, extractor).arrays:
        assert array is not None
        assert array.shape == (1, 94, 94)
        assert array.dtype == np.float16
        assert np.isfinite(array.astype(np.float32)).all()
        images.append(torch.from_numpy(array.astype(np.float32)))
    batch = torch.stack(images)

    seen: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen.append(inputs[0])

    encoder = ImageEncoder("shufflenet_v2_x0_5", dim=8).eval()
    encoder.trunk.register_forward_pre_hook(keep)
    with torch.no_grad():
        assert encoder(batch).shape == (3, 8)
    [image] = seen
    assert image.shape == (3, 3, 94, 94)
    for channel in range(3):
        assert torch.equal(image[:, channel], batch[:, 0])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rate", RATES)
def test_the_spectrogram_is_the_textbook_one(rate: int, mode: HopMode) -> None:
    samples = noise(0.5, 0.1, rate)[0] + tone(rate, 0.5, 1000.0)
    fast = LogMel(sample_rate=rate, hop_mode=mode).spectrogram(torch.from_numpy(samples)[None])
    assert np.abs(fast[0, 0].numpy() - slow_spectrogram(samples, rate, mode)).max() < 2e-3


def test_a_pure_tone_is_loudest_in_its_band(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", tone(48000, 1.0, 1000.0)[None])
    [array] = extract(path, [Window(0.25, 0.75)]).arrays
    assert array is not None
    centres = np.linspace(mel(20), mel(8000), 96)[1:-1]
    nearest = int(np.argmin(np.abs(centres - mel(1000))))
    assert np.abs(array[0, :, 10:-10].astype(np.float32).argmax(0) - nearest).max() <= 1


def test_a_window_does_not_depend_on_the_others_of_its_batch(tmp_path: Path) -> None:
    loud_then_quiet = np.concatenate([noise(1.0, 0.3), noise(1.0, 1e-3)], 1)
    path = write_sound(tmp_path / "a.wav", loud_then_quiet)
    both = extract(path, [Window(0.0, 0.5), Window(1.25, 1.75)]).arrays[1]
    alone = extract(path, [Window(1.25, 1.75)]).arrays[0]
    assert both is not None
    assert alone is not None
    assert np.allclose(both.astype(np.float32), alone.astype(np.float32), atol=0.02)


@pytest.mark.parametrize("name", ["silent.wav", "silent.mp4"])
def test_a_track_of_digital_silence_is_no_sound(tmp_path: Path, name: str) -> None:
    zeros = np.zeros((1, 48000), np.float32)
    if name == "silent.wav":
        write_sound(tmp_path / name, zeros)
    else:
        write_media(tmp_path / name, Picture(times(25)), Sound(zeros))
    found = extract(tmp_path / name, [Window(0.0, 0.5), Window(0.3, 0.8)])
    assert found.arrays == [None, None]
    assert found.facts["windows_with_sound"] == 0
    assert found.findings == [Finding(FindingKind.SILENT, "sound")]


def test_quiet_speech_is_not_silent(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "quiet.wav", noise(1.0, 6e-4))
    found = extract(path, [Window(0.0, 0.5), Window(0.3, 0.8)])
    assert all(array is not None for array in found.arrays)
    assert found.facts["sound_rms"] == pytest.approx(6e-4, rel=0.05)
    assert found.facts["windows_with_sound"] == 2
    assert found.findings == []


def test_sound_that_covers_less_than_half_of_a_window_is_absent(tmp_path: Path) -> None:
    sound = Sound(noise(1.0, 0.1), codec="pcm_s16le")
    path = write_media(tmp_path / "clip.mov", Picture(times(50)), sound)
    starts = [0.0, 0.5, 0.74, 0.75, 0.76, 1.4]
    found = extract(path, [Window(s, s + 0.5) for s in starts])
    assert [a is not None for a in found.arrays] == [True, True, True, True, False, False]
    assert found.facts["windows_with_sound"] == 4
    assert found.findings == [Finding(FindingKind.ABSENT, "sound", 2, 6)]


def test_a_partly_covered_window_is_padded_with_zeros(tmp_path: Path) -> None:
    wave = noise(0.4, 0.1)
    [array] = extract(write_sound(tmp_path / "short.wav", wave), [Window(0.0, 0.5)]).arrays
    assert array is not None
    padded = slow_spectrogram(np.pad(wave[0], (0, 4800)), 48000, "hop256_center")
    # Sixteen bits lie between the file and this: the padding's bins of no power are compared too.
    assert np.abs(array[0].astype(np.float64) - padded)[:, :70].max() < 0.05
    assert array[0, :, 85:].max() < np.log(1e-9)


def test_a_video_without_a_sound_stream_has_no_sound(tmp_path: Path) -> None:
    path = write_media(tmp_path / "mute.mp4", Picture(times(25)))
    found = extract(path, [Window(0.0, 0.5)])
    assert found.arrays == [None]
    assert found.facts == {"windows_with_sound": 0}
    assert found.findings == [Finding(FindingKind.MISSING, "sound")]


@pytest.mark.parametrize(("low", "high"), [(20.0, 24001.0), (-1.0, 8000.0), (500.0, 400.0)])
def test_impossible_mel_ranges_are_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="0 <= low < high <= 24000 Hz"):
        LogMel(low=low, high=high)


def test_no_upper_edge_means_half_of_the_sampling_rate() -> None:
    samples = torch.from_numpy(tone(16000, 0.5, 7900.0)[None])
    full = LogMel(sample_rate=16000, high=None).spectrogram(samples)
    same = LogMel(sample_rate=16000, high=8000.0).spectrogram(samples)
    assert torch.equal(full, same)


def test_normalised_within_the_utterance_its_level_does_not_matter(tmp_path: Path) -> None:
    mel = LogMel(sample_rate=16000, normalise="utterance")
    sound = np.concatenate([noise(1.5, 0.1), np.zeros((1, 48000), np.float32)], 1)
    windows = [Window(0.0, 0.5), Window(0.4, 0.9), Window(2.0, 2.5)]
    heard = []
    for level in (1.0, 0.1):
        path = write_sound(tmp_path / f"{level}.wav", (level * sound).astype(np.float32))
        arrays = [a.astype(float) for a in extract(path, windows, mel).arrays if a is not None]
        assert arrays[2].max() < -3  # digital silence does not count
        heard.append(np.stack(arrays[:2]))
        assert heard[-1].mean() == pytest.approx(0, abs=1e-2)
        assert heard[-1].std() == pytest.approx(1, abs=1e-2)
    loud, quiet = heard
    np.testing.assert_allclose(loud, quiet, atol=0.15)  # 16 bits


def test_silence_alone_is_left_as_it_is() -> None:
    silent = torch.zeros(2, 8000)
    plain, normalised = (
        LogMel(sample_rate=16000, normalise=each).arrays(silent) for each in ("none", "utterance")
    )
    np.testing.assert_array_equal(plain, normalised)


def test_values_far_below_the_loudest_of_the_clip_are_raised() -> None:
    samples = torch.from_numpy(np.concatenate([noise(0.5, 0.1), 1e-6 * noise(0.5, 0.1)])).float()
    samples = samples.reshape(2, -1)
    plain = LogMel(sample_rate=16000).arrays(samples).astype(float)
    raised = LogMel(sample_rate=16000, top_db=80).arrays(samples).astype(float)
    floor = plain.max() - 8 * np.log(10)
    assert plain[1].max() < floor < plain[0].min()
    np.testing.assert_allclose(raised, np.maximum(plain, floor), atol=0.02)  # float16


def test_raised_silence_does_not_count_for_the_utterance() -> None:
    samples = torch.zeros(2, 8000)
    samples[0] = torch.from_numpy(noise(0.5, 0.1)[0])[:8000]
    both = LogMel(sample_rate=16000, normalise="utterance", top_db=80).arrays(samples)
    alone = LogMel(sample_rate=16000, normalise="utterance", top_db=80).arrays(samples[:1])
    np.testing.assert_array_equal(both[:1], alone)
    assert both[1].max() < -3


@pytest.mark.parametrize("top_db", [0, -80, float("nan")])
def test_a_range_that_is_none_is_refused(top_db: float) -> None:
    with pytest.raises(ValueError, match="top_db must be above 0"):
        LogMel(top_db=top_db)
