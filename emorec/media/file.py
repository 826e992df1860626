"""A media file that can be read: what it holds and when, on one clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from emorec.media.channels import Mix
from emorec.media.clock import Part, Walk
from emorec.media.containers import MediaError
from emorec.system.findings import Finding, FindingKind

SHORTEST = 0.5  # seconds: half of it, a quarter of a second, is the least to work with
LATE = 0.5  # seconds; ends of clips are rounded, and streams end a frame apart


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a clip's time that one stream covers, in seconds from the clip's origin.

    Attributes:
        start: Of its first sample or frame.
        end: Of its last.
        clip: Duration of the clip; no more than that of a window can be covered.
    """

    start: float
    end: float
    clip: float = float("inf")

    def share(self, start: float, end: float) -> float:
        """Return which share of [start, end] the stream covers, 0 to 1.

        It is a share of the clip where that is shorter than [start, end]. A clip of less than half
        a second counts as one of that length.
        """
        covered = max(0.0, min(self.end, end) - max(self.start, start))
        return covered / min(end - start, max(self.clip, SHORTEST))

    def cut(self, start: float, end: float) -> "Span | None":
        """Return what is covered of [start, end], in seconds from ``start``; None for nothing."""
        first, last = max(self.start, start), min(self.end, end)
        return Span(first - start, last - start, end - start) if last > first else None


@dataclass(frozen=True, slots=True)
class Decoding:
    """How the streams of a file are decoded.

    Attributes:
        reader: ``av``, ``soundfile`` for uncompressed sound, or ``still`` for a picture.
        streams: ``audio`` and ``video`` -> index of the stream.
        clock: The parts of its clock, see :class:`~emorec.media.clock.Part`.
        mix: How its channels are mixed to mono.
        size: Width and height in pixels of its first frame, upright and with square pixels; other
            frames are scaled to it.
        gain: Factor of the samples: not 1 for integers in a file of floats.
        counted: Whether times of sound come from counting samples, see
            :data:`~emorec.media.containers.COUNTED`.
        frame_rate: Frames per second of a raw stream, whose frames carry no times; else None.
    """

    reader: Literal["av", "soundfile", "still"] = "av"
    streams: Mapping[str, int] = field(default_factory=dict)
    clock: tuple[Part, ...] = ()
    mix: Mix = field(default_factory=Mix)
    size: tuple[int, int] = (0, 0)
    gain: float = 1.0
    counted: bool = False
    frame_rate: Fraction | None = None

    @property
    def seekable(self) -> bool:
        """Whether the file can be sought by time: no jumps, and frames that carry times."""
        return len(self.clock) < 2 and self.frame_rate is None

    def walk(self, kind: Literal["audio", "video"]) -> Walk:
        """Return the map from the times of a stream's frames to a continuous clock."""
        return Walk(self.clock, kind)


@dataclass(frozen=True, slots=True)
class Media:
    """A readable media file on one clock.

    Attributes:
        path: The file.
        origin: Timestamp that is the clip's t = 0, in seconds of the file's own clock: the
            earliest first timestamp of its audio and video streams. Where the clock jumps, time
            continues from the part before.
        duration: Seconds from t = 0 to the end of the stream that ends last.
        audio: What the default audio stream covers; None where there is none.
        video: The same for the default video stream.
        findings: What is unusual about the file.
        decoding: How it is decoded.
        shared: Results that several extractors need, computed once while this object lives; each
            kind under its own key.
    """

    path: Path
    origin: float
    duration: float
    audio: Span | None
    video: Span | None
    findings: tuple[Finding, ...] = ()
    decoding: Decoding = field(default_factory=Decoding)
    shared: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def part(self, start: float, end: float) -> "Media":
        """Return a part of the file as a clip of its own.

        Args:
            start: Seconds from the origin.
            end: Seconds from the origin; a later one than the file's end is cut to it, but for a
                still picture, which has no end.

        Raises:
            MediaError: The file ends before the part begins.
        """
        if self.decoding.reader == "still" and 0 <= start < end:
            return replace(self, duration=end - start, shared={})
        late, end = end - self.duration, min(end, self.duration)
        if not 0 <= start < end:
            found = f"from {start:g} s on: the file lasts {self.duration:.2f} s"
            raise MediaError("no such part", found)
        audio = self.audio.cut(start, end) if self.audio else None
        video = self.video.cut(start, end) if self.video else None
        findings = self.findings
        if late > LATE:
            findings += (Finding(FindingKind.ENDS_EARLY, detail=f"{late:.1f}"),)
        return replace(
            self,
            origin=self.origin + start,
            duration=end - start,
            audio=audio,
            video=video,
            findings=findings,
            shared={},
        )
