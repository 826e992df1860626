"""The clock of a file: where it jumps, and how its parts follow each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

JUMP = 10.0  # seconds: a longer gap is a jump, as in FFmpeg
STILL = 60.0  # seconds that a picture may stand still in a file without sound
BACK = 0.5  # seconds that times may go back where packets are out of order
BESIDE = 3.0  # seconds between packets of two streams that are next to each other in a file
APART = 2.0  # seconds between decoding and presentation; more is a guess that missed a jump
REORDERED = 16  # packets after a jump that may still bring frames from before it


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a file in which its clock is continuous.

    Attributes:
        shift: Seconds to add to its timestamps so that it follows the previous part.
        spans: Kind of stream (``audio``, ``video``) -> its first timestamp and the end of its last
            frame in this part, in seconds of the file's own clock.
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
        self.first[kind] = min(self.first.get(kind, start), start)
        if start >= self.latest.get(kind, start):  # only the last frame's length matters
            self.end[kind] = start + min(length, JUMP)
        if length > 0:
            self.shortest[kind] = min(self.shortest.get(kind, length), length)
        self.latest[kind] = max(self.latest.get(kind, start), start)

    def close(self, kind: str) -> None:
        """End a stream here: in some files the frame before a gap claims to last through it."""
        self.end[kind] = self.latest[kind] + min(self.shortest.get(kind, 0.0), JUMP)

    def join(self, other: "_Stretch") -> None:
        """Append the stretch that follows."""
        for kind, start in other.first.items():
            self.first[kind] = min(self.first.get(kind, start), start)
            self.end[kind] = max(self.end.get(kind, start), other.end[kind])

    def is_beside(self, time: float) -> bool:
        """Return whether a packet at a time goes with the last one of another stream."""
        return any(abs(time - latest) <= BESIDE for latest in self.latest.values())

    def ends_near(self, kind: str, time: float) -> bool:
        """Return whether a time is among the last frames of a stream here."""
        latest = self.latest.get(kind)
        return latest is not None and latest - APART <= time <= self.end[kind] + BACK

    def goes_on_in(self, other: "_Stretch", most: float) -> bool:
        """Return whether the other is no jump: just one stream pauses or starts late."""
        if any(other.first[k] < self.end[k] - BACK for k in self.first.keys() & other.first.keys()):
            return False
        after = min(other.first.values()) - max(self.end.values())
        before = min(self.first.values()) - max(other.end.values())
        return max(after, before) <= most


class ClockReader:
    """Finds the parts of a file's clock from its packets.

    A clock jumps where a packet is more than :data:`JUMP` seconds after the end of the previous one
    in its stream, or more than :data:`BACK` seconds before that one's start, and no other stream
    continues through the gap; pictures without sound may stand still for :data:`STILL` seconds.
    Recordings that were joined or restarted, or whose time of day was reset, have such clocks.
    """

    def __init__(self) -> None:
        self._stretches: list[_Stretch] = []
        self._at: dict[str, int] = {}
        self._last: dict[str, tuple[float, float]] = {}
        self._from: dict[str, tuple[int, int]] = {}  # the stretch before, and packets since then
        self._current = 0  # the stretch of the last packet

    def add(self, kind: str, order: float, start: float, length: float) -> None:
        """Add a packet; packets come in file order.

        Args:
            kind: Kind of its stream.
            order: Its decoding time in seconds, which grows from packet to packet; its
                presentation time where that is unknown.
            start: Its presentation time in seconds.
            length: Its duration in seconds.
        """
        if abs(start - order) > APART:
            order = start  # missing decoding times are guessed from earlier ones
        at = self._at.get(kind)
        if at is not None and self._is_late(kind, start, length):
            return
        # Another stream went through a stretch without this one: it continues where that is.
        passed = at is not None and self._current >= at + 2
        if at is None or self._jumps(kind, order) or passed:
            first = 0 if at is None else at + 1
            ahead = sorted(range(first, len(self._stretches)), key=lambda i: i != self._current)
            near = [i for i in ahead if self._stretches[i].is_beside(order)]
            if at is None or near or self._jumps(kind, order):
                if at is not None:
                    self._stretches[at].close(kind)
                    self._from[kind] = at, 0
                at = near[0] if near else len(self._stretches)
            if at == len(self._stretches):
                self._stretches.append(_Stretch())
        self._at[kind] = self._current = at
        self._last[kind] = order, length
        self._stretches[at].add(kind, start, length)

    def _is_late(self, kind: str, start: float, length: float) -> bool:
        """Add a frame that is shown before a jump but stored after its first packet."""
        before, since = self._from.get(kind, (0, REORDERED))
        if since >= REORDERED:
            return False
        self._from[kind] = before, since + 1
        stretch = self._stretches[before]
        own = self._stretches[self._at[kind]]
        if not stretch.ends_near(kind, start) or start >= own.first[kind] - BACK:
            return False
        stretch.add(kind, start, length)
        stretch.close(kind)
        return True

    def _jumps(self, kind: str, order: float) -> bool:
        last, length = self._last[kind]
        return not last - BACK <= order <= last + min(length, JUMP) + JUMP

    def parts(self) -> tuple[Part, ...]:
        """Return the parts, in file order; a single one, without a shift, where nothing jumps."""
        joined: list[_Stretch] = []
        silent = not any("audio" in stretch.first for stretch in self._stretches)
        for stretch in self._stretches:
            joined.append(stretch)
            # A stream stored later in the file may bridge a gap in an earlier one.
            while len(joined) > 1 and joined[-2].goes_on_in(joined[-1], STILL if silent else JUMP):
                last = joined.pop()
                joined[-1].join(last)
        parts: list[Part] = []
        ends: dict[str, float] = {}  # of each stream so far, on the continuous clock
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
    """Maps the times of one stream's frames to a continuous clock.

    Args:
        parts: Parts of the file's clock.
        kind: Kind of the stream.
    """

    def __init__(self, parts: tuple[Part, ...], kind: str) -> None:
        self._parts = [(part.shift, *part.spans[kind]) for part in parts if kind in part.spans]
        self._at = 0
        self._last = float("-inf")

    def __call__(self, time: float) -> float | None:
        """Return the continuous time of the next frame, in seconds; None if it cannot be right.

        Args:
            time: In seconds of the file's own clock. Frames come in file order.
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
    """Return where the clock jumps, in seconds of the continuous clock, and by how many seconds.

    Args:
        parts: Parts of the file's clock.
        wrap: Seconds after which the clock of the file's format wraps around; a decoder takes a
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
