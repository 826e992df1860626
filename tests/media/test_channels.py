"""The mix of a recording's channels: those that carry sound, and none against another."""

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from emorec.media import Media, probe, read_windows
from emorec.media.channels import ChannelReader
from emorec.system.findings import Finding, FindingKind
from emorec.types import Window
from tests.helpers.media_files import Picture, Samples, Sound, hum, times, write_media, write_sound

RATE = 48000
VOICE = hum(RATE, 2.0)
QUIET = np.zeros_like(VOICE)
FILES = ["a.wav", "a.flac", "a.mkv", "a.mp4"]


def written(path: Path, *channels: Samples) -> Media:
    both = np.stack(channels)
    if path.suffix in (".wav", ".flac"):
        return probe(write_sound(path, both))
    codec = "aac" if path.suffix == ".mp4" else "pcm_s16le"
    return probe(write_media(path, Picture(times(50)), Sound(both, codec=codec)))


def gain(media: Media) -> float:
    """Return by how much the voice is louder than it was, 0 where it cannot be heard."""
    heard = read_windows(media, [Window(0.0, 2.0)], RATE)[0][0]
    return float(heard @ VOICE / (VOICE @ VOICE))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("channels", "reported"),
    [
        ((VOICE,), []),
        ((VOICE, VOICE), []),
        ((VOICE, QUIET), [(FindingKind.SILENT_CHANNELS, 1, 2)]),
        ((QUIET, VOICE), [(FindingKind.SILENT_CHANNELS, 1, 2)]),
        ((QUIET, QUIET, VOICE, QUIET, QUIET, QUIET), [(FindingKind.SILENT_CHANNELS, 1, 6)]),
        ((VOICE, -VOICE), [(FindingKind.INVERTED, None, None)]),
        ((VOICE, -0.7 * VOICE), [(FindingKind.INVERTED, None, None)]),
    ],
)
def test_a_voice_is_as_loud_as_in_the_channels_that_carry_it(
    tmp_path: Path,
    name: str,
    channels: tuple[Samples, ...],
    reported: list[tuple[FindingKind, int | None, int | None]],
) -> None:
    media = written(tmp_path / name, *channels)
    loud = 0.85 if np.array_equal(channels[-1], -0.7 * VOICE) else 1.0
    assert gain(media) == pytest.approx(loud, abs=0.03)
    assert [(found.kind, found.count, found.of) for found in media.findings] == reported


def test_hiss_in_the_other_channel_carries_no_sound(tmp_path: Path) -> None:
    hiss = 0.0003 * np.random.default_rng(0).standard_normal(len(VOICE)).astype(np.float32)
    assert gain(written(tmp_path / "a.wav", VOICE, hiss)) == pytest.approx(1.0, abs=0.01)


def test_two_people_on_two_channels_both_count(tmp_path: Path) -> None:
    now_and_then = np.concatenate([hum(RATE, 0.1, 5), QUIET[4800:]])
    media = written(tmp_path / "a.wav", VOICE, now_and_then)
    assert media.findings == ()
    assert gain(media) == pytest.approx(0.5, abs=0.02)


def test_silence_in_all_channels_stays_silence(tmp_path: Path) -> None:
    media = written(tmp_path / "a.wav", QUIET, QUIET)
    assert media.findings == ()
    assert gain(media) == 0


def test_one_mix_holds_for_all_parts_of_a_long_file(tmp_path: Path) -> None:
    """The second voice comes after what is heard whole, in the seconds that are sampled."""
    long = np.zeros(8000 * 200, np.float32)
    long[8000 * 120 :] = hum(8000, 80.0, 1)
    path = write_sound(tmp_path / "a.wav", np.stack([hum(8000, 200.0), long]), 8000)
    media = probe(path)
    assert media.findings == ()
    assert media.part(0.0, 2.0).decoding.mix is media.decoding.mix


def test_blocks_that_are_not_numbers_do_not_decide() -> None:
    reader = ChannelReader()
    spoiled = np.stack([VOICE, VOICE]).copy()
    spoiled[1, :100] = np.nan
    reader.add(spoiled, "stereo", ["L", "R"], RATE)
    mix, findings = reader.mix()
    assert findings == []
    assert mix(np.ones((2, 3), np.float32), "stereo").tolist() == [1.0, 1.0, 1.0]


SECOND = hum(RATE, 2.0, 9)


@pytest.mark.parametrize("name", ["a.wav", "a.mkv"])
@pytest.mark.parametrize(
    "channels",
    [
        (VOICE + 0.1, VOICE - 0.1),  # offsets of opposite sign
        (VOICE + 0.05 * np.sin(np.arange(96000) / RATE * 314.16), VOICE - 0.0),  # hum of the mains
        (VOICE, np.full_like(VOICE, 0.4)),  # a dead input
        (
            VOICE + 0.1 * np.sin(np.arange(96000) / RATE * 314.16),
            VOICE - 0.1 * np.sin(np.arange(96000) / RATE * 314.16),
        ),
    ],
)
def test_offsets_and_hum_decide_nothing(
    tmp_path: Path, name: str, channels: tuple[Samples, ...]
) -> None:
    heard = gain(written(tmp_path / name, *(c.astype(np.float32) for c in channels)))
    assert heard == pytest.approx(1.0, abs=0.03)


def test_a_channel_that_is_the_inverse_in_a_part_alone_is_left_out(tmp_path: Path) -> None:
    turned = np.where(np.arange(len(VOICE)) < len(VOICE) / 2, -VOICE, VOICE)
    media = written(tmp_path / "a.wav", VOICE, turned)
    assert gain(media) == pytest.approx(1.0, abs=0.01)
    assert media.findings == (Finding(FindingKind.INVERTED_IN_PARTS, "2", detail="1"),)


def test_any_two_channels_can_be_inverse(tmp_path: Path) -> None:
    media = written(tmp_path / "a.wav", SECOND, VOICE, -VOICE, -SECOND, QUIET, QUIET)
    assert gain(media) == pytest.approx(0.5, abs=0.05)
    kinds = [found.kind for found in media.findings]
    assert kinds == [FindingKind.SILENT_CHANNELS, FindingKind.INVERTED, FindingKind.INVERTED]
    assert media.findings[0].detail == "1, 2, 3, 4"


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mkv", "a.mp4"])
def test_who_speaks_late_and_shortly_is_heard(tmp_path: Path, name: str) -> None:
    """Between the seconds that are sampled of long files."""
    left = hum(8000, 150.0)
    right = np.zeros_like(left)
    right[102 * 8000 : 108 * 8000] = hum(8000, 6.0, 3)
    left[102 * 8000 : 108 * 8000] = 0
    if name in ("a.wav", "a.flac"):
        media = probe(write_sound(tmp_path / name, np.stack([left, right]), 8000))
    else:
        codec = "aac" if name == "a.mp4" else "pcm_s16le"
        sound = Sound(np.stack([left, right]), rate=8000, codec=codec)
        media = probe(write_media(tmp_path / name, None, sound))
    heard = read_windows(media, [Window(103.0, 107.0)], 8000)[0][0]
    assert np.sqrt(np.mean(heard**2)) > 0.02


@pytest.mark.parametrize("name", ["a.mov", "a.mkv", "a.wav"])
def test_more_than_eight_channels_are_read(tmp_path: Path, name: str) -> None:
    several = np.stack([QUIET] * 9 + [VOICE])
    write_sound(tmp_path / "ten.wav", several)
    path = tmp_path / name
    if name == "a.wav":
        path = tmp_path / "ten.wav"
    else:
        with av.open(str(tmp_path / "ten.wav")) as source, av.open(str(path), "w") as target:
            stream = target.add_stream_from_template(source.streams.audio[0])
            for packet in source.demux(audio=0):
                if packet.size:
                    packet.stream = stream
                    target.mux(packet)
    assert gain(probe(path)) == pytest.approx(1.0, abs=0.05)


def test_whole_numbers_in_a_file_of_floats_are_brought_to_full_scale(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", VOICE * 32768, RATE, subtype="FLOAT")
    media = probe(tmp_path / "a.wav")
    assert gain(media) == pytest.approx(1.0, abs=0.01)
    assert media.findings == (Finding(FindingKind.SCALED, "sound", 32768),)
    soundfile.write(tmp_path / "b.wav", VOICE * 1.5, RATE, subtype="FLOAT")
    assert probe(tmp_path / "b.wav").findings == ()
