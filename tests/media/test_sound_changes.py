"""Sound that changes its rate, layout or format within a file stays whole and in time."""

from pathlib import Path

import numpy as np
import pytest

from emorec.media import probe, read_blocks, read_windows
from emorec.types import Window
from tests.helpers.media_files import (
    Picture,
    Samples,
    Sound,
    hum,
    joined,
    likeness,
    times,
    write_media,
)

SECONDS = 3.0
LATE = 0.06  # seconds that encoders delay the sound by, and that a joined one adds


def encoded(folder: Path, seed: int, codec: str, name: str, rate: int, channels: int) -> Path:
    wave = np.stack([hum(rate, SECONDS, seed)] * channels)
    return write_media(folder / f"{seed}_{name}", None, Sound(wave, rate=rate, codec=codec))


def heard(path: Path, rate: int) -> Samples:
    return np.concatenate([block for _, block in read_blocks(probe(path), rate)])


@pytest.mark.parametrize("rate", [48000, 16000])
@pytest.mark.parametrize(
    ("codec", "name", "first", "second"),
    [
        ("libmp3lame", "a.mp3", (22050, 1), (44100, 2)),
        ("libmp3lame", "a.mp3", (44100, 2), (22050, 1)),
        ("libmp3lame", "a.mp3", (44100, 1), (48000, 1)),
        ("libmp3lame", "a.mp3", (44100, 2), (44100, 1)),
        ("aac", "a.aac", (44100, 1), (44100, 2)),
        ("aac", "a.aac", (48000, 2), (16000, 1)),
        ("ac3", "a.ac3", (48000, 2), (48000, 6)),
        ("mp2", "a.ts", (48000, 1), (32000, 2)),
    ],
)
def test_both_sides_of_a_change_are_the_true_sound(
    tmp_path: Path,
    codec: str,
    name: str,
    first: tuple[int, int],
    second: tuple[int, int],
    rate: int,
) -> None:
    parts = [encoded(tmp_path, i, codec, name, *form) for i, form in enumerate((first, second))]
    whole = heard(joined(tmp_path / name, *parts), rate)
    assert len(whole) == pytest.approx(2 * SECONDS * rate, abs=3 * LATE * rate)
    late = round(3 * LATE * rate)
    for part in (0, 1):
        wanted = hum(rate, SECONDS, part)
        at = round(part * SECONDS * rate)
        assert likeness(whole[at : at + len(wanted) + late], wanted, late) > 0.95


def test_each_change_makes_the_sound_neither_longer_nor_shorter(tmp_path: Path) -> None:
    parts = [
        encoded(tmp_path, i, "libmp3lame", "a.mp3", rate, 1)
        for i, rate in enumerate([44100, 48000] * 4)
    ]
    path = joined(tmp_path / "a.mp3", *parts)
    length = probe(path).duration
    assert length == pytest.approx(8 * SECONDS, abs=8 * LATE)
    ends = [at + len(block) for at, block in read_blocks(probe(path), 16000)]
    assert ends[-1] == pytest.approx(length * 16000, abs=2)
    starts = [at for at, _ in read_blocks(probe(path), 16000)]
    assert starts[1:] == ends[:-1]


def test_windows_across_a_change(tmp_path: Path) -> None:
    parts = [encoded(tmp_path, i, "mp2", "a.ts", rate, 1) for i, rate in enumerate((48000, 32000))]
    media = probe(joined(tmp_path / "a.ts", *parts))
    samples, damaged = read_windows(media, [Window(2.5, 3.5)], 16000)
    assert damaged == 0
    late = round(2 * LATE * 16000)
    assert likeness(samples[0][:8000], hum(16000, 3.0, 0)[40000:48000], late // 2) > 0.9


def test_picture_and_sound_of_a_recording_whose_sound_changes(tmp_path: Path) -> None:
    parts = []
    for i, rate in enumerate((48000, 32000)):
        wave = hum(rate, SECONDS, i)[None]
        sound = Sound(wave, rate=rate, codec="mp2", start=i * SECONDS)
        parts.append(
            write_media(tmp_path / f"{i}.ts", Picture(times(75, start=i * SECONDS)), sound)
        )
    media = probe(joined(tmp_path / "a.ts", *parts))
    assert media.duration == pytest.approx(2 * SECONDS, abs=0.15)
    whole = np.concatenate([block for _, block in read_blocks(media, 16000)])
    late = round(3 * LATE * 16000)
    assert likeness(whole[48000:], hum(16000, SECONDS, 1)[:40000], late) > 0.95
