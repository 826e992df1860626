"""The loop over packets: it goes on after a damaged one, ends where reading fails, and counts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av.error

from emorec.media import iter_key_frames, probe
from emorec.media.containers import open_container
from emorec.media.packets import Decoded, PacketReader
from tests.helpers.media_files import Picture, Sound, spoiled, times, tone, write_media


class Failing:
    """A container that cannot be read on after some packets."""

    def __init__(self, container: Any, after: int) -> None:
        self.container, self.after = container, after

    def demux(self, *streams: Any) -> Iterator[Any]:
        for number, packet in enumerate(self.container.demux(*streams)):
            if number == self.after:
                raise av.error.InvalidDataError(1, "a hole in the disk")
            yield packet


def test_frames_after_a_damaged_packet_are_decoded(tmp_path: Path) -> None:
    path = spoiled(write_media(tmp_path / "a.mp4", Picture(times(50))), 0.5, 0.6)
    reader = PacketReader()
    with open_container(path) as container:
        stream = container.streams.video[0]
        decoded = [reader.decode(packet) for packet in reader.packets(container, stream)]
    damaged = [number for number, frames in enumerate(decoded) if frames is None]
    assert reader.damaged == len(damaged) > 0
    assert reader.error is None
    assert any(decoded[damaged[-1] + 1 :])


def test_where_reading_fails_it_ends_and_the_next_reading_counts_on(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", Picture(times(20)), Sound(tone(48000, 0.8)[None]))
    reader = PacketReader()
    with open_container(path) as container:
        streams = container.streams.video[0], container.streams.audio[0]
        failing: Any = Failing(container, 7)
        assert len(list(reader.packets(failing, *streams))) == 7
        assert (reader.damaged, str(reader.error)) == (1, "[Errno 1] a hole in the disk")
        container.seek(0)
        whole = list(reader.packets(container, *streams))
        assert {packet.stream.type for packet in whole} == {"video", "audio"}
        assert (reader.damaged, reader.error) == (1, None)


def test_what_was_damaged_so_far_is_known_while_it_is_read(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", Picture(times(50)))
    frames = iter_key_frames(probe(spoiled(path, 0.5, 0.6)), [0.01, 0.21, 1.99])
    assert frames.damaged == 0
    assert next(frames).of == [0]
    assert frames.damaged == 0
    list(frames)
    assert frames.damaged > 0
    reader = PacketReader()
    numbers = Decoded(iter([1, 2]), reader)
    reader.damaged = 3
    assert (list(numbers), numbers.damaged) == ([1, 2], 3)
