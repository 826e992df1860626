"""The one loop over the packets of a container; it continues after damaged ones."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

Item = TypeVar("Item", covariant=True)


class PacketReader:
    """Reads packets and decodes them; damaged ones are skipped and counted.

    It may read several times, from one container or several: the count goes on.

    Attributes:
        damaged: How many packets could not be decoded, plus one each time that reading ended
            early. Callers add other damage, such as NaN samples.
        error: What ended the last reading early; None if it reached the end.
    """

    def __init__(self) -> None:
        self.damaged = 0
        self.error: av.error.FFmpegError | None = None

    def packets(self, container: InputContainer, *streams: Stream) -> "Iterator[Packet[Stream]]":
        """Yield the packets of some streams, in file order.

        The last one of each stream is empty: decoding it flushes the frames that the decoder still
        holds.

        Args:
            container: Read from its current position.
            streams: One or more of the container.
        """
        self.error = None
        try:
            yield from container.demux(*streams)
        except av.error.FFmpegError as error:
            self.damaged += 1
            self.error = error.with_traceback(None)  # which would keep the container alive

    def decode(self, packet: "Packet[Stream]") -> list[Any] | None:
        """Return the frames that a packet completes, possibly none; None if it is damaged."""
        try:
            return packet.decode()
        except av.error.FFmpegError:
            self.damaged += 1
            return None


class Decoded(Iterator[Item], Generic[Item]):
    """The decoded items of a file, one by one, and how much of it was damaged.

    Args:
        items: The items.
        reader: Reads their packets.
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
