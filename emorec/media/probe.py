"""What a media file holds and when: read from its packets, as headers lie about both."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import av.error
import soundfile
from av.stream import Disposition

from emorec.media.containers import MediaError, open_container

# Uncompressed sound, which soundfile reads; a damaged FLAC file is read further by PyAV.
SOUND_FILES = frozenset({".wav", ".aif", ".aiff", ".au", ".w64"})


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a clip's time that one stream covers, in seconds from the clip's origin."""

    start: float
    end: float

    def share(self, start: float, end: float) -> float:
        """Return which share of [start, end] the stream covers, 0 to 1."""
        return max(0.0, min(self.end, end) - max(self.start, start)) / (end - start)

    def cut(self, start: float, end: float) -> "Span | None":
        """Return what is covered of [start, end], in seconds from ``start``; None for nothing."""
        first, last = max(self.start, start), min(self.end, end)
        return Span(first - start, last - start) if last > first else None


LATE = 0.5  # seconds; ends of clips are rounded, and streams end a frame apart


@dataclass(frozen=True, slots=True)
class Media:
    """A readable media file on one clock.

    Attributes:
        path: The file.
        origin: Timestamp that is the clip's t = 0, in seconds of the file's own clock: the
            earliest first timestamp of its audio and video streams.
        duration: Seconds from t = 0 to the end of the stream that ends last.
        audio: What the default audio stream covers; None where there is none.
        video: The same for the default video stream.
        warnings: What is odd about the file, in words.
    """

    path: Path
    origin: float
    duration: float
    audio: Span | None
    video: Span | None
    warnings: tuple[str, ...] = ()

    def part(self, start: float, end: float) -> "Media":
        """Return a part of the file as a clip of its own.

        Args:
            start: Seconds from the origin.
            end: Seconds from the origin; what is beyond the end of the file is not there.

        Raises:
            MediaError: The file ends before the part begins.
        """
        late, end = end - self.duration, min(end, self.duration)
        if not 0 <= start < end:
            raise MediaError(f"no part from {start:g} s on: the file lasts {self.duration:.2f} s")
        audio = self.audio.cut(start, end) if self.audio else None
        video = self.video.cut(start, end) if self.video else None
        warnings = self.warnings
        if late > LATE:
            warnings += (f"the file ends {late:.1f} s before the clip does",)
        return replace(
            self,
            origin=self.origin + start,
            duration=end - start,
            audio=audio,
            video=video,
            warnings=warnings,
        )


def probe(path: Path) -> Media:
    """Read when the default audio and video streams of a file start and end.

    The first frame of each stream is decoded (a packet's timestamp may lie before the first
    sample that is heard), the rest only demultiplexed. Packets that an edit list discards do not
    count.

    Args:
        path: A media file that PyAV reads, or a sound file that soundfile reads.

    Raises:
        MediaError: The file is missing, unreadable, empty, or holds neither sound nor picture.
    """
    if not path.exists():
        raise MediaError(f"file not found ({path})")
    if path.is_dir():
        raise MediaError("a directory, not a media file")
    if not path.is_file():
        raise MediaError("not a regular file: a pipe or a device")
    stat = path.stat()
    if stat.st_size == 0:
        raise MediaError("empty file")
    return _probe(path, (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns))


@lru_cache(64)  # many clips can be parts of one file
def _probe(path: Path, version: tuple[int, ...]) -> Media:
    """Return what is in a file as long as it is the same; an error is not kept."""
    if path.suffix.lower() in SOUND_FILES:
        return _probe_sound(path)
    try:
        with open_container(path) as container:
            return _probe_streams(path, container)
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"not readable as media: {error.strerror}") from error


def _probe_sound(path: Path) -> Media:
    try:
        info = soundfile.info(str(path))
    except soundfile.LibsndfileError as error:
        raise MediaError(f"not readable as sound: {error.error_string}") from error
    if info.frames == 0:
        raise MediaError("no audio samples")
    seconds = info.frames / info.samplerate
    return Media(path, 0.0, seconds, Span(0.0, seconds), None)


def default_streams(container: Any) -> dict[str, Any]:
    """Return the default ``video`` and ``audio`` streams that an open container can decode."""
    streams = {}
    for kind in ("video", "audio"):
        stream = container.streams.best(kind)
        # A cover picture of a music file is a video stream of one frame.
        if (
            stream is not None
            and stream.codec_context is not None
            and not stream.disposition & Disposition.attached_pic
        ):
            streams[kind] = stream
    return streams


def _probe_streams(path: Path, container: Any) -> Media:
    streams = default_streams(container)
    if not streams:
        raise MediaError("neither an audio nor a video stream")
    kinds = {stream.index: kind for kind, stream in streams.items()}
    first: dict[str, float] = {}
    last: dict[str, float] = {}
    warnings = []
    damaged = 0
    try:
        for packet in container.demux(*streams.values()):
            kind = kinds[packet.stream.index]
            if kind not in first:
                try:
                    frames = packet.decode()
                except av.error.FFmpegError:
                    damaged += 1
                    continue
                for frame in frames[:1]:
                    first[kind] = frame.time if frame.time is not None else 0.0
            stamp = packet.pts if packet.pts is not None else packet.dts
            if stamp is None or packet.is_discard:
                continue
            tick = float(streams[kind].time_base)
            length = (packet.duration or 0) * tick or _frame_seconds(streams[kind])
            last[kind] = max(last.get(kind, float("-inf")), stamp * tick + length)
    except av.error.FFmpegError as error:
        warnings.append(f"damaged: reading stopped early ({error.strerror})")
    if not first:
        raise MediaError("damaged: no frame of its audio or video can be decoded")
    if damaged:
        warnings.append(f"damaged: {damaged} packets before the first good frame")
    warnings += [f"no {kind} could be decoded" for kind in streams if kind not in first]
    origin = min(first.values())
    spans = {k: Span(t - origin, max(last.get(k, t), t) - origin) for k, t in first.items()}
    duration = max(span.end for span in spans.values())
    if duration <= 0:
        raise MediaError("no duration: its audio and video last 0 s")
    return Media(path, origin, duration, spans.get("audio"), spans.get("video"), tuple(warnings))


def _frame_seconds(stream: Any) -> float:
    """Duration of one frame where its packet does not say; 0 for sound."""
    rate = getattr(stream, "average_rate", None)
    return float(1 / rate) if rate else 0.0
