"""Clocks that jump: the parts of a recording follow each other, and sound and picture agree."""

import re
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emorec.media import Media, iter_frames, probe, read_blocks, read_key_frames, read_windows
from emorec.media.clock import BACK, JUMP, ClockReader, Walk, jumps
from emorec.system.findings import FindingKind
from emorec.types import Window
from emorec.windows import GridWindows
from tests.helpers.media_files import (
    Image,
    Picture,
    Sound,
    bars,
    beep,
    delay,
    joined,
    read_bars,
    times,
    write_media,
)

RATE = 48000


def recording(path: Path, start: float, *, seconds: int = 2, first: int = 0) -> Path:
    """Write frames with numbers from ``first`` on, and a beep at 0.6 s of each second."""
    wave = sum(beep(RATE, seconds, second + 0.6) for second in range(seconds))
    return write_media(
        path,
        Picture(times(25 * seconds, start=start), draw=lambda n: bars_from(first, n)),
        Sound(np.asarray(wave, np.float32)[None], codec="mp2", start=start),
    )


def bars_from(first: int, number: int) -> Image:
    return bars(first + number)


def two(folder: Path, start: float, later: float) -> Media:
    """Return two recordings of 2 s joined to one, whose clocks start at these seconds."""
    parts = [recording(folder / "a.ts", start), recording(folder / "b.ts", later, first=50)]
    return probe(joined(folder / "joined.ts", *parts))


CLOCKS = [(0.0, 0.0), (3000.0, 0.0), (0.0, 10800.0), (0.0, 90.0)]


@pytest.mark.parametrize(("start", "later"), CLOCKS)
def test_parts_of_a_clock_that_jumps_follow_each_other(
    tmp_path: Path, start: float, later: float
) -> None:
    media = two(tmp_path, start, later)
    assert media.duration == pytest.approx(4.0, abs=0.1)
    assert media.audio is not None
    assert media.video is not None
    assert media.audio.end == pytest.approx(4.0, abs=0.1)
    assert media.video.end == pytest.approx(4.0, abs=0.1)
    (found,) = [found for found in media.findings if found.kind is FindingKind.CLOCK_JUMP]
    size, at = re.findall(r"([-+0-9.]+) s at ([0-9.]+) s", found.detail)[0]
    assert float(size) == pytest.approx(later - start - 2, abs=0.1)
    assert float(at) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(("start", "later"), CLOCKS)
def test_sound_and_picture_stay_together_after_a_jump(
    tmp_path: Path, start: float, later: float
) -> None:
    media = two(tmp_path, start, later)
    frames = list(iter_frames(media))
    assert [read_bars(image) for _, image in frames] == list(range(100))
    assert (np.diff([time for time, _ in frames]) > 0.03).all()
    wave = np.concatenate([block for _, block in read_blocks(media, RATE)])
    assert len(wave) == pytest.approx(4 * RATE, abs=0.1 * RATE)
    for second, number in ((0, 15), (1, 40), (2, 65), (3, 90)):  # frames at the beeps
        heard = wave[second * RATE : second * RATE + RATE]
        at = second + 0.6 + delay(heard, beep(RATE, 1.0, 0.6)) / RATE
        assert at == pytest.approx(frames[number][0], abs=0.03)
    windows = [Window(2.5, 3.0), Window(0.5, 1.0)]
    samples, _ = read_windows(media, windows, RATE)
    assert np.abs(samples).max(1) == pytest.approx(0.5, abs=0.1)
    assert len(read_key_frames(media, [0.7, 2.7]).images) == 2


def test_three_parts_of_which_the_clock_goes_back_twice(tmp_path: Path) -> None:
    part = recording(tmp_path / "a.ts", 5.0)
    media = probe(joined(tmp_path / "b.ts", part, part, part))
    assert media.duration == pytest.approx(6.0, abs=0.1)
    assert len(list(iter_frames(media))) == 150
    assert [found.kind for found in media.findings] == [FindingKind.CLOCK_JUMP] * 2


def hole(path: Path, seconds: float, *, sound: bool = True, picture: bool = True) -> Path:
    """Write 2 s whose second second is stamped later, in one stream or in both."""
    frames = times(25) + times(25, start=1 + (seconds if picture else 0))
    gap = (47 * 1024, seconds if sound else 0.0)
    return write_media(
        path,
        Picture(frames) if picture or seconds < 60 else Picture(times(round(25 * (2 + seconds)))),
        Sound(beep(RATE, 2.0, 1.6)[None], codec="pcm_s16le", gap=gap),
    )


@pytest.mark.parametrize("name", ["a.mkv", "a.mov", "a.nut"])
def test_a_hole_of_hours_costs_neither_memory_nor_time(tmp_path: Path, name: str) -> None:
    media = probe(hole(tmp_path / name, 10000.0))
    assert media.duration == pytest.approx(2.0, abs=0.05)
    assert len(GridWindows()("a", media.duration)) == 4
    tracemalloc.start()
    blocks = [block for _, block in read_blocks(media, RATE)]
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    heard = np.concatenate(blocks)
    assert len(heard) == pytest.approx(2 * RATE, abs=0.05 * RATE)
    assert abs(delay(heard[RATE:], beep(RATE, 1.0, 0.6))) < 0.03 * RATE


def test_a_pause_of_one_stream_alone_is_no_jump(tmp_path: Path) -> None:
    path = write_media(
        tmp_path / "a.mkv",
        Picture(times(40, rate=2)),
        Sound(beep(RATE, 4.0, 3.6)[None], codec="pcm_s16le", gap=(96 * 1024, 15.0)),
    )
    media = probe(path)
    assert media.findings == ()
    assert media.duration == pytest.approx(19.5, abs=0.1)
    heard = read_windows(media, [Window(18.0, 19.0)], RATE)[0][0]
    assert abs(delay(heard, beep(RATE, 1.0, 0.6))) < 100


def test_a_gap_of_seconds_is_filled(tmp_path: Path) -> None:
    media = probe(hole(tmp_path / "a.mkv", 5.0))
    assert media.findings == ()
    assert media.duration == pytest.approx(7.0, abs=0.1)


def second(packet: tuple[str, float, float]) -> float:
    return packet[1]


def parts_of(*packets: tuple[str, float, float]) -> Sequence[object]:
    reader = ClockReader()
    for kind, time, length in packets:
        reader.add(kind, time, time, length)
    return reader.parts()


def test_streams_that_are_not_interleaved_are_one_part() -> None:
    sound = [("audio", float(t), 1.0) for t in range(100)]
    picture = [("video", float(t), 1.0) for t in range(100)]
    assert len(parts_of(*sound, *picture)) == 1
    assert len(parts_of(*picture[50:], *sound)) == 1
    paused = [packet for packet in sound if not 20 < packet[1] < 60]
    for packets in (paused + picture, picture + paused, sorted(paused + picture, key=second)):
        assert len(parts_of(*packets)) == 1
    slides = [("video", 60.0 * t, 0.04) for t in range(5)]
    assert len(parts_of(*slides, *(("audio", float(t), 1.0) for t in range(300)))) == 1


def test_packets_of_the_part_before_may_come_after_the_first_of_the_next() -> None:
    packets = [(k, t / 10, 0.1) for t in range(100) for k in ("audio", "video")]
    late = [("video", 9.8, 0.1), ("video", 9.9, 0.1)]
    again = [("audio", 0.0, 0.1), *late, ("video", 0.0, 0.1), *packets[2:]]
    assert len(parts_of(*packets[:196], ("audio", 9.8, 0.1), ("audio", 9.9, 0.1), *again)) == 2


def test_a_time_that_no_packet_has_is_not_believed() -> None:
    reader = ClockReader()
    for time in range(10):
        reader.add("audio", float(time), float(time), 1.0)
    walk = Walk(reader.parts(), "audio")
    assert walk(3.0) == 3.0
    assert walk(5000.0) is None
    assert walk(4.0) == 4.0


def test_the_bounds_are_what_is_stated() -> None:
    for jump, count in ((JUMP - 0.1, 1), (JUMP + 0.1, 2), (-BACK - 1.1, 2), (-BACK - 0.9, 1)):
        reader = ClockReader()
        reader.add("audio", 0.0, 0.0, 1.0)
        reader.add("audio", 1.0, 1.0, 1.0)
        reader.add("audio", 2.0 + jump, 2.0 + jump, 1.0)
        assert len(reader.parts()) == count, jump
        if count == 2:
            ((at, size),) = jumps(reader.parts())
            assert (at, size) == pytest.approx((2.0, jump))


def test_a_part_of_a_recording_whose_clock_jumps(tmp_path: Path) -> None:
    media = two(tmp_path, 0.0, 10800.0).part(2.5, 3.5)
    assert read_bars(read_key_frames(media, [0.5]).images[0]) == pytest.approx(75, abs=2)
    assert replace(media).duration == 1.0


@pytest.mark.parametrize("name", ["a.mkv", "a.mov", "a.nut", "a.ts"])
@pytest.mark.parametrize("sound", [True, False])
def test_a_jump_is_found_despite_reordered_frames(tmp_path: Path, name: str, sound: bool) -> None:
    frames = times(50) + times(50, start=10002)
    options = {"bf": "3", "b-adapt": "0", "preset": "medium", "threads": "1"}
    codec = "mp2" if name == "a.ts" else "pcm_s16le"
    wave = Sound(beep(RATE, 4.0, 3.6)[None], codec=codec, gap=(94 * 1024, 10000.0))
    path = write_media(tmp_path / name, Picture(frames, options=options), wave if sound else None)
    media = probe(path)
    assert media.duration == pytest.approx(4.0, abs=0.2)
    assert [found.kind for found in media.findings] == [FindingKind.CLOCK_JUMP]
    shown = list(iter_frames(media))
    assert [read_bars(image) for _, image in shown] == list(range(100))
    assert (np.diff([time for time, _ in shown]) > 0.0).all()


def test_pictures_without_sound_may_stand_still(tmp_path: Path) -> None:
    for name in ("a.mkv", "a.mp4", "a.ts"):
        media = probe(write_media(tmp_path / name, Picture([0.0, 12.0, 24.0, 54.0], rate=1)))
        assert media.findings == ()
        assert media.duration == pytest.approx(54.0, abs=11)
        assert len(read_key_frames(media, [1.0, 13.0, 30.0, 54.5]).images) == 4


def test_sound_goes_with_the_picture_that_it_lies_beside() -> None:
    def part(start: float, *kinds: str) -> list[tuple[str, float, float]]:
        return [(kind, start + i / 10, 0.1) for i in range(60) for kind in kinds]

    for starts in ((0.0, 100.0, 6.0), (0.0, 0.0, 0.0)):
        packets = [
            *part(starts[0], "audio", "video"),
            *part(starts[1], "video"),
            *part(starts[2], "audio", "video"),
        ]
        parts = parts_of(*packets)
        assert [sorted(each.spans) for each in parts] == [  # type: ignore[attr-defined]
            ["audio", "video"],
            ["video"],
            ["audio", "video"],
        ]
    parts = parts_of(*part(0.0, "video"), *part(0.0, "audio", "video"))
    assert [sorted(each.spans) for each in parts] == [["video"], ["audio", "video"]]  # type: ignore[attr-defined]
