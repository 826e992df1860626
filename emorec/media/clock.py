"""The clock of a file: where it jumps, and how its parts follow each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

JUMP = 10.0  # seconds after the end of a frame at which the next one is no gap any more (FFmpeg's)
BACK = 0.5  # seconds that times may go back where packets are not in order of time


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a file in which its clock runs on.

    Attributes:
        shift: Seconds to add to its timestamps, so that it follows the part before it.
        spans: Kind of stream (``audio``, ``video``) -> its first timestamp and the end of its last
            frame there, in seconds of the file's own clock.
    """

    shift: float
    spans: Mapping[str, tuple[float, float]]


@dataclass(slots=True)
class _Stretch:
    first: dict[str, float] = field(default_factory=dict)
    end: dict[str, float] = field(default_factory=dict)
    shortest: dict[str, float] = field(default_factory=dict)  # frame
    latest: dict[str, float] = field(default_factory=dict)  # start of a frame

    def add(self, kind: str, start: float, length: float) -> None:
        end = start + min(length, JUMP)
        self.first[kind] = min(self.first.get(kind, start), start)
        self.end[kind] = max(self.end.get(kind, end), end)
        if length > 0:
            self.shortest[kind] = min(self.shortest.get(kind, length), length)
        self.latest[kind] = max(self.latest.get(kind, start), start)

    def close(self, kind: str) -> None:
        """End a stream here: some files say that the frame before a hole lasts through it."""
        self.end[kind] = self.latest[kind] + min(self.shortest.get(kind, 0.0), JUMP)

    def join(self, other: "_Stretch") -> None:
        """Take in what comes after it."""
        for kind, start in other.first.items():
            self.first[kind] = min(self.first.get(kind, start), start)
            self.end[kind] = max(self.end.get(kind, start), other.end[kind])

    def is_near(self, time: float) -> bool:
        return min(self.first.values()) - JUMP <= time <= max(self.end.values()) + JUMP

    def goes_on_in(self, other: "_Stretch") -> bool:
        """Return whether the other one is no jump: one stream pauses, or starts late, alone."""
        if any(other.first[k] < self.end[k] - BACK for k in self.first.keys() & other.first.keys()):
            return False
        after = min(other.first.values()) - max(self.end.values())
        before = min(self.first.values()) - max(other.end.values())
        return max(after, before) <= JUMP


class ClockReader:
    """Finds the parts of a file's clock from its packets.

    A clock jumps where a packet is more than :data:`JUMP` seconds after the end of the one before
    it in its stream, or more than :data:`BACK` seconds before that one's start, and no other stream
    runs on through the hole. Recordings that were joined, restarted, or got another time of day
    have such clocks.
    """

    def __init__(self) -> None:
        self._stretches: list[_Stretch] = []
        self._at: dict[str, int] = {}
        self._last: dict[str, tuple[float, float]] = {}

    def add(self, kind: str, order: float, start: float, length: float) -> None:
        """Take note of a packet; packets come as they lie in the file.

        Args:
            kind: Of its stream.
            order: Its decoding time in seconds, which grows from packet to packet; its
                presentation time where that is not known.
            start: Its presentation time in seconds.
            length: Its duration in seconds.
        """
        at = self._at.get(kind)
        known = self._stretches if at is None else self._stretches[at + 1 :]
        first = len(self._stretches) - len(known)
        if at is None or self._jumps(kind, order):
            if at is not None:
                self._stretches[at].close(kind)
            near = (i for i, stretch in enumerate(known, first) if stretch.is_near(order))
            at = next(near, len(self._stretches))
            if at == len(self._stretches):
                self._stretches.append(_Stretch())
        self._at[kind] = at
        self._last[kind] = order, length
        self._stretches[at].add(kind, start, length)

    def _jumps(self, kind: str, order: float) -> bool:
        last, length = self._last[kind]
        return not last - BACK <= order <= last + min(length, JUMP) + JUMP

    def parts(self) -> tuple[Part, ...]:
        """Return the parts, in their order in the file; one, without a shift, where none jumps."""
        joined: list[_Stretch] = []
        for stretch in self._stretches:
            if joined and joined[-1].goes_on_in(stretch):
                joined[-1].join(stretch)
            else:
                joined.append(stretch)
        parts: list[Part] = []
        ends: dict[str, float] = {}  # of each stream so far, on the clock that runs on
        for stretch in joined:
            shift = 0.0
            if parts:
                before = [ends[kind] for kind in stretch.first if kind in ends]
                shift = max(before or ends.values()) - min(stretch.first.values())
            parts.append(Part(shift, {k: (t, stretch.end[k]) for k, t in stretch.first.items()}))
            for kind, end in stretch.end.items():
                ends[kind] = max(ends.get(kind, end), end + shift)
        return tuple(parts)


class Walk:
    """Turns the times of one stream's frames into those of a clock that runs on.

    Args:
        parts: Of the file's clock.
        kind: Of the stream.
    """

    def __init__(self, parts: tuple[Part, ...], kind: str) -> None:
        self._parts = [(part.shift, *part.spans[kind]) for part in parts if kind in part.spans]
        self._at = 0
        self._last = float("-inf")

    def __call__(self, time: float) -> float | None:
        """Return the time of the next frame, in seconds; None where it cannot be right.

        Args:
            time: In seconds of the file's own clock. Frames come in the order of the file.
        """
        if not self._parts:
            return time
        if time < self._last - BACK or not self._is_in(self._at, time, BACK):
            later = range(self._at + 1, len(self._parts))
            self._at = next((i for i in later if self._is_in(i, time, BACK)), self._at)
        if not self._is_in(self._at, time, JUMP):
            return None
        self._last = time
        return time + self._parts[self._at][0]

    def _is_in(self, at: int, time: float, room: float) -> bool:
        _, start, end = self._parts[at]
        return start - room <= time <= end + room


def jumps(parts: tuple[Part, ...], wrap: float | None = None) -> list[tuple[float, float]]:
    """Return where the clock jumps, in seconds of the clock that runs on, and by how many seconds.

    Args:
        parts: Of the file's clock.
        wrap: Seconds after which the clock of the file's format begins again; a decoder takes a
            jump back for that.
    """
    found = []
    for before, after in pairwise(parts):
        at = min(start for start, _ in after.spans.values()) + after.shift
        size = before.shift - after.shift
        if wrap:
            size = (size + wrap / 2) % wrap - wrap / 2
        found.append((at, size))
    return found
