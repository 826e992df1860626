"""Which stream is read where there are several, or the suffix does not fit the content."""

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from emorec.extractors import LogMel
from emorec.media import MediaError, probe, read_windows
from emorec.system.findings import Finding, FindingKind
from emorec.types import Clip, Window
from tests.helpers.media_files import (
    Picture,
    Samples,
    Sound,
    hum,
    likeness,
    text_file,
    times,
    tone,
    write_media,
    write_sound,
)

RATE = 48000


def heard(path: Path, seconds: float = 1.0) -> Samples:
    samples: Samples = read_windows(probe(path), [Window(0.0, seconds)], RATE)[0][0]
    return samples


def unknown_codec(path: Path, number: int) -> Path:
    """Write a codec that nobody has into the mov's sound track of a number, from 0."""
    data = bytearray(path.read_bytes())
    at = 0
    for _ in range(number + 1):
        at = data.index(b"soun", at) + 4
    at = data.index(b"mp4a", data.index(b"stsd", at))
    data[at : at + 4] = b"apac"
    at = data.index(b"esds", at)
    data[at : at + 4] = b"dapa"
    path.write_bytes(data)
    return path


def two_tracks(path: Path) -> Path:
    first = Sound(hum(RATE, 1.0, 1)[None], is_default=True)
    return write_media(path, Picture(times(25)), first, Sound(hum(RATE, 1.0, 2)[None]))


def test_a_track_that_cannot_be_decoded_does_not_hide_one_that_can(tmp_path: Path) -> None:
    path = two_tracks(tmp_path / "phone.mov")
    assert likeness(heard(path), hum(RATE, 1.0, 1), 2000) > 0.95
    path = unknown_codec(path, 0)
    media = probe(path)
    assert media.audio is not None
    passed = "aac instead of unknown"
    assert media.findings == (Finding(FindingKind.TRACK_PASSED_OVER, "audio", 2, None, passed),)
    assert likeness(heard(path), hum(RATE, 1.0, 2), 2000) > 0.95
    found = LogMel().extract(Clip("a", path), media, [Window(0.0, 0.5)])
    assert found.arrays[0] is not None
    assert found.findings == []


def test_a_second_track_that_cannot_be_decoded_is_of_no_interest(tmp_path: Path) -> None:
    path = unknown_codec(two_tracks(tmp_path / "phone.mov"), 1)
    assert probe(path).findings == ()
    assert likeness(heard(path), hum(RATE, 1.0, 1), 2000) > 0.95


def test_a_track_of_damaged_packets_does_not_hide_the_other(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    sounds = [Sound(hum(RATE, 1.0, i)[None], codec="flac", is_default=i == 1) for i in (1, 2)]
    write_media(path, Picture(times(25)), *sounds)
    data = path.read_bytes()
    import av

    with av.open(str(path)) as container:
        preferred = [p for p in container.demux(audio=0) if p.size]
        packets = [bytes(packet) for packet in preferred]
    for packet in packets:
        data = data.replace(packet, bytes(len(packet)), 1)
    path.write_bytes(data)
    media = probe(path)
    passed = Finding(FindingKind.TRACK_PASSED_OVER, "audio", 2, None, "flac instead of flac")
    assert media.findings == (Finding(FindingKind.SEVERAL_TRACKS, "audio", 2, 2), passed)
    assert likeness(heard(path), hum(RATE, 1.0, 2), 200) > 0.95


def test_no_sound_only_where_no_track_can_be_decoded(tmp_path: Path) -> None:
    path = unknown_codec(unknown_codec(two_tracks(tmp_path / "phone.mov"), 0), 1)
    media = probe(path)
    assert media.audio is None
    assert media.video is not None
    assert media.findings == (Finding(FindingKind.UNKNOWN_CODEC, "sound"),)


def test_a_cover_picture_does_not_hide_the_video(tmp_path: Path) -> None:
    cover = Picture([0.0], codec="mjpeg", pix_fmt="yuvj420p", options={}, is_cover=True)
    path = write_media(tmp_path / "a.mp4", Picture(times(25)), cover)
    media = probe(path)
    assert media.video is not None
    assert media.video.end == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    ("inside", "codec"), [("a.webm", "libopus"), ("a.m4a", "aac"), ("a.mp3", "libmp3lame")]
)
def test_what_is_called_wav_and_is_not_is_read_as_what_it_is(
    tmp_path: Path, inside: str, codec: str
) -> None:
    made = write_media(tmp_path / inside, None, Sound(hum(RATE, 1.0)[None], codec=codec))
    path = tmp_path / "memo.wav"
    shutil.copyfile(made, path)
    media = probe(path)
    assert media.duration == pytest.approx(1.0, abs=0.1)
    assert likeness(heard(path, 1.2), hum(RATE, 1.0), 3000) > 0.9


def test_mp3_in_a_wav_file_is_read(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.wav", None, Sound(hum(RATE, 1.0)[None], codec="libmp3lame"))
    assert likeness(heard(path, 1.2), hum(RATE, 1.0), 3000) > 0.9


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_wav_whose_size_was_never_written_is_read_to_its_end(tmp_path: Path, size: int) -> None:
    path = write_sound(tmp_path / "crashed.wav", tone(RATE, 1.0)[None])
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = data[4:8] = struct.pack("<I", size)
    path.write_bytes(data)
    media = probe(path)
    assert media.duration == pytest.approx(1.0, abs=0.01)
    assert np.abs(heard(path) - tone(RATE, 1.0)).max() < 1e-3
    if size == 0:
        (found,) = media.findings
        assert found.kind is FindingKind.MISNAMED
        assert found.detail.startswith("wav with pcm_s16le (")


def test_a_wav_that_is_nothing_keeps_the_reason_of_its_own_reader(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="not readable as sound"):
        probe(text_file(tmp_path / "a.wav"))


@pytest.mark.parametrize("length", [0.5, 2.0, 5.0])
def test_windows_longer_than_a_clip_are_measured_against_the_clip(
    tmp_path: Path, length: float
) -> None:
    media = probe(write_sound(tmp_path / "a.wav", tone(RATE, 0.43)[None]))
    assert media.audio is not None
    assert media.audio.share(0.0, length) == pytest.approx(0.43 / 0.5)
    found = LogMel().extract(Clip("a", media.path), media, [Window(0.0, length)])
    assert found.arrays[0] is not None
    part = media.part(0.1, 0.4)
    assert part.audio is not None
    assert part.audio.share(0.0, length) == pytest.approx(0.3 / 0.5)


def test_sound_that_covers_little_of_a_short_clip_is_still_absent(tmp_path: Path) -> None:
    sound = Sound(tone(RATE, 0.2)[None], codec="pcm_s16le")
    media = probe(write_media(tmp_path / "a.mkv", Picture(times(25)), sound))
    assert media.audio is not None
    assert media.audio.share(0.0, 2.0) == pytest.approx(0.2, abs=0.02)
