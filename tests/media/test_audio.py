import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emorec.media import probe, read_windows
from emorec.types import Window
from tests.helpers.media_files import (
    Picture,
    Samples,
    Sound,
    beep,
    delay,
    spoiled,
    times,
    tone,
    truncated,
    write_media,
    write_sound,
)

RATE = 48000
STEP = 1e-4  # more than the rounding of 16 bits


def read(path: Path, rate: int = RATE, end: float = 1.0) -> Samples:
    """Return the first seconds of a file."""
    samples, _ = read_windows(probe(path), [Window(0.0, end)], rate)
    return np.asarray(samples[0], np.float32)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mov", "pcm_s16le"),
        ("a.mkv", "pcm_s16le"),
        ("a.mkv", "flac"),
        ("a.wav", ""),
        ("a.flac", ""),
    ],
)
def test_lossless_samples_land_exactly(tmp_path: Path, name: str, codec: str) -> None:
    wanted = beep(RATE, 1.0, 0.3)
    if codec:
        write_media(tmp_path / name, Picture(times(25)), Sound(wanted[None], codec=codec))
    else:
        write_sound(tmp_path / name, wanted[None])
    assert np.abs(read(tmp_path / name) - wanted).max() < STEP


@pytest.mark.parametrize("rate", [48000, 44100, 16000])
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_the_priming_samples_of_aac_do_not_shift_the_sound(
    tmp_path: Path, name: str, rate: int
) -> None:
    wanted = beep(rate, 1.0, 0.3)
    write_media(tmp_path / name, Picture(times(25)), Sound(wanted[None], rate=rate))
    assert abs(delay(read(tmp_path / name, rate), wanted)) <= 64


def test_a_late_sound_stream_lands_where_it_is_presented(tmp_path: Path) -> None:
    sound = Sound(beep(RATE, 0.5, 0.1)[None], codec="pcm_s16le", start=0.25)
    path = write_media(tmp_path / "clip.mov", Picture(times(25)), sound)
    assert np.abs(read(path) - beep(RATE, 1.0, 0.35)).max() < STEP


def test_a_late_aac_stream_lands_within_a_millisecond(tmp_path: Path) -> None:
    sound = Sound(beep(RATE, 0.5, 0.1)[None], start=0.25)
    path = write_media(tmp_path / "clip.mp4", Picture(times(25)), sound)
    assert abs(delay(read(path), beep(RATE, 1.0, 0.35))) <= 64


def test_samples_count_from_the_picture_where_that_starts_first(tmp_path: Path) -> None:
    sound = Sound(beep(RATE, 0.5, 0.1)[None], codec="pcm_s16le", start=7.5)
    path = write_media(tmp_path / "clip.mkv", Picture(times(25, start=7.0)), sound)
    assert abs(delay(read(path), beep(RATE, 1.0, 0.6))) <= 48


def test_a_gap_between_packets_is_silence_and_what_follows_is_in_time(tmp_path: Path) -> None:
    wave = beep(RATE, 0.8, 0.05) + beep(RATE, 0.8, 0.6)
    sound = Sound(wave[None], codec="pcm_s16le", gap=(16 * 1024, 0.5))
    heard = read(write_media(tmp_path / "gap.mkv", Picture(times(50)), sound), end=1.3)
    wanted = beep(RATE, 1.3, 0.05) + beep(RATE, 1.3, 1.1)
    assert abs(delay(heard, wanted)) <= 48
    assert np.abs(heard[16 * 1024 : round(0.8 * RATE)]).max() < STEP
    assert abs(delay(heard[RATE:], wanted[RATE:])) <= 48


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    starts=st.lists(st.integers(0, 3 * 8000), min_size=1, max_size=5),
    length=st.integers(1, 9000),
)
def test_windows_are_slices_of_the_padded_sound(
    tmp_path_factory: pytest.TempPathFactory, starts: list[int], length: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.wav"
    noise = np.random.default_rng(0).uniform(-0.9, 0.9, (1, 2 * 8000)).astype(np.float32)
    if not path.exists():
        write_sound(path, noise, 8000)
    windows = [Window(s / 8000, (s + length) / 8000) for s in starts]
    samples, damaged = read_windows(probe(path), windows, 8000)
    padded = np.pad(noise[0], (0, 3 * 8000 + length))
    assert samples.dtype == np.float32
    assert samples.shape == (len(starts), length)
    assert damaged == 0
    for row, s in zip(samples, starts, strict=True):
        assert np.abs(row - padded[s : s + length]).max() < STEP


def test_windows_that_cross_the_blocks_of_reading_have_no_seam(tmp_path: Path) -> None:
    wave = tone(RATE, 3.0)
    path = write_sound(tmp_path / "long.flac", wave[None])
    windows = [Window(1.25, 1.75), Window(2.5, 3.0), Window(1.3, 1.8)]
    samples, _ = read_windows(probe(path), windows, RATE)
    for row, window in zip(samples, windows, strict=True):
        first = round(window.start * RATE)
        assert np.abs(row - wave[first : first + 24000]).max() < STEP


@pytest.mark.parametrize("name", ["s.wav", "s.flac", "s.mkv", "s.mp4"])
def test_stereo_becomes_the_mean_of_its_channels(tmp_path: Path, name: str) -> None:
    both = np.stack([tone(RATE, 1.0, 440.0, 0.6), tone(RATE, 1.0, 440.0, -0.2)])
    if name in ("s.wav", "s.flac"):
        write_sound(tmp_path / name, both)
    else:
        codec = "aac" if name == "s.mp4" else "pcm_s16le"
        write_media(tmp_path / name, Picture(times(25)), Sound(both, codec=codec))
    # The amplitude by projection: FFmpeg's AAC encoder adds clicks to pure tones.
    amplitude = 2 * np.mean(read(tmp_path / name) * tone(RATE, 1.0, 440.0, 1.0))
    assert amplitude == pytest.approx(0.2, abs=0.004)


@pytest.mark.parametrize("name", ["r.wav", "r.mkv"])
@pytest.mark.parametrize(("old", "new"), [(44100, 48000), (48000, 22050), (8000, 16000)])
def test_resampling_keeps_frequency_amplitude_and_time(
    tmp_path: Path, name: str, old: int, new: int
) -> None:
    wave = tone(old, 2.0, 700.0)
    if name == "r.wav":
        write_sound(tmp_path / name, wave[None], old)
    else:
        write_media(tmp_path / name, None, Sound(wave[None], rate=old, codec="pcm_s16le"))
    heard = read(tmp_path / name, new, end=2.0)
    edge = round(0.05 * new)
    assert np.abs(heard - tone(new, 2.0, 700.0))[edge:-edge].max() < 0.01


@pytest.mark.parametrize("name", ["short.wav", "short.mp4"])
def test_a_short_clip_is_padded_with_zeros(tmp_path: Path, name: str) -> None:
    wave = tone(RATE, 0.43)[None]
    if name == "short.wav":
        write_sound(tmp_path / name, wave)
    else:
        write_media(tmp_path / name, None, Sound(wave))
    heard = read(tmp_path / name, end=0.5)
    assert len(heard) == 24000
    assert 2 * np.mean(heard[:19200] * tone(RATE, 0.4, amplitude=1.0)) == pytest.approx(
        0.5, abs=0.01
    )
    assert not heard[round(0.46 * RATE) :].any()


def test_sound_outside_of_the_stream_is_zero(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", tone(RATE, 0.5)[None])
    samples, _ = read_windows(probe(path), [Window(0.25, 0.75), Window(2.0, 2.5)], RATE)
    assert np.abs(samples[0, :12000]).max() > 0.4
    assert not samples[0, 12000:].any()
    assert not samples[1].any()


def test_no_windows_give_no_rows(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", tone(RATE, 0.5)[None])
    assert len(read_windows(probe(path), [], RATE)[0]) == 0


@pytest.mark.parametrize("name", ["cut.mkv", "cut.wav", "cut.flac"])
def test_the_readable_part_of_a_truncated_file_is_used(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 2 * RATE).astype(np.float32)
    if name == "cut.mkv":
        path = write_media(tmp_path / name, None, Sound(noise[None], codec="pcm_s16le"))
    else:
        path = write_sound(tmp_path / name, noise[None])
    heard = read(truncated(path, 0.5), end=2.0)
    assert np.abs(heard - noise)[: round(0.7 * RATE)].max() < STEP
    assert not heard[round(1.1 * RATE) :].any()


def test_sound_after_packets_that_cannot_be_decoded_stays_in_time(tmp_path: Path) -> None:
    noise = 0.02 * np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)
    path = write_media(tmp_path / "a.mp4", None, Sound((noise + beep(RATE, 2.0, 1.8))[None]))
    samples, damaged = read_windows(probe(spoiled(path, 0.4, 0.5)), [Window(1.5, 2.0)], RATE)
    assert damaged > 0
    assert abs(delay(samples[0], beep(RATE, 0.5, 0.3))) <= 64


def test_memory_does_not_grow_with_the_length_of_a_file(tmp_path: Path) -> None:
    windows = [Window(0.1 * i, 0.1 * i + 0.5) for i in range(30)]
    peaks = []
    for minutes in (0.2, 8):
        path = write_sound(tmp_path / "a.wav", tone(8000, 60 * minutes)[None], 8000)
        late = [Window(60 * minutes - 4 + w.start, 60 * minutes - 4 + w.end) for w in windows]
        media = probe(path)
        tracemalloc.start()
        read_windows(media, late, 48000)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] + 2**20
