"""The one loop over the packets of a container, which goes on after a damaged one."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

Item = TypeVar("Item", covariant=True)


class PacketReader:
    """Reads packets and decodes them; what is damaged is left out and counted.

    It may read several times, of one container or of another: it counts on.

    Attributes:
        damaged: How many packets could not be decoded, and one more each time that reading ended
            early. Whoever finds other damage, such as samples that are no numbers, adds it.
        error: What ended the last reading early; None where it came to the end.
    """

    def __init__(self) -> None:
        self.damaged = 0
        self.error: av.error.FFmpegError | None = None

    def packets(self, container: InputContainer, *streams: Stream) -> "Iterator[Packet[Stream]]":
        """Yield the packets of some streams, in the order of the file.

        The last one of each stream is empty: decoding it gives the frames that a decoder still
        holds back.

        Args:
            container: Where to read, from where it has been sought to.
            streams: Of the container, one or more.
        """
        self.error = None
        try:
            yield from container.demux(*streams)
        except av.error.FFmpegError as error:
            self.damaged += 1
            self.error = error.with_traceback(None)  # which would hold the container

    def decode(self, packet: "Packet[Stream]") -> list[Any] | None:
        """Return the frames that a packet completes, maybe none; None where it is damaged."""
        try:
            return packet.decode()
        except av.error.FFmpegError:
            self.damaged += 1
            return None


class Decoded(Iterator[Item], Generic[Item]):
    """What is decoded of a file, item by item, and how much of it was damaged.

    Args:
        items: What it yields.
        reader: What reads the packets for it.
    """

    def __init__(self, items: Iterator[Item], reader: PacketReader) -> None:
        self._items, self.reader = items, reader

    def __next__(self) -> Item:
        """Return the next item."""
        return next(self._items)

    @property
    def damaged(self) -> int:
        """How many packets, of those read so far, could not be decoded."""
        return self.reader.damaged
