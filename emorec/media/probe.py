"""What a media file holds and when: read from its packets, as headers are wrong about both."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
import soundfile

from emorec.media.channels import ChannelReader, channel_names
from emorec.media.clock import JUMP, ClockReader, Part, jumps
from emorec.media.containers import COUNTED, MediaError, open_container
from emorec.media.file import Decoding, Media, Span
from emorec.media.packed import Packed
from emorec.media.packets import PacketReader
from emorec.media.pictures import display_matrix, upright
from emorec.media.samples import BLOCK
from emorec.media.still import STILL_SUFFIXES, probe_still
from emorec.media.streams import choose_streams
from emorec.system.findings import Finding, FindingKind, all_in_words

# Uncompressed sound, which soundfile reads; of a damaged FLAC file PyAV reads more.
SOUND_FILES = frozenset({".wav", ".aif", ".aiff", ".au", ".w64"})
# The first seconds of sound are analysed in full; of the rest, one second in ten.
LISTENED, ONE_OF = 60.0, 10.0
WRAP = 2**33 / 90000  # seconds: MPEG's clocks have 33 bits


def probe(path: Path) -> Media:
    """Read when the default audio and video streams of a file start and end.

    The first frame of each stream is decoded (a packet's timestamp may precede the first audible
    sample), and enough of the sound to tell which channels carry any; the rest is only
    demultiplexed. Packets that an edit list discards do not count. Where the clock jumps
    (:class:`~emorec.media.clock.ClockReader`), the parts follow each other. A file with the suffix
    of a still picture is read as one.

    Args:
        path: A media file that PyAV reads, a sound file that soundfile reads, or a picture.

    Raises:
        MediaError: The file is missing, unreadable, empty, or holds neither sound nor picture.
    """
    if not path.exists():
        hint = "; write / in place of its backslashes" if "\\" in str(path) else ""
        raise MediaError("file not found", f"{path}{hint}")
    if path.is_dir():
        raise MediaError("a directory, not a media file")
    if not path.is_file():
        raise MediaError("not a regular file: a pipe or a device")
    stat = path.stat()
    if stat.st_size == 0:
        raise MediaError("empty file")
    found = _probe(path, (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns))
    return replace(found, shared={})  # shared results live as long as the caller's object


@lru_cache(64)  # many clips can be parts of one file
def _probe(path: Path, version: tuple[int, ...]) -> Media:
    """Probe a file, cached while it is unchanged; errors are not cached."""
    if path.suffix.lower() in STILL_SUFFIXES:
        return probe_still(path)
    if path.suffix.lower() not in SOUND_FILES:
        return _probe_container(path)
    try:
        return _probe_sound(path)
    except MediaError as error:
        # The suffix says little: recorders put other containers under it, or omit the length.
        try:
            media = _probe_container(path)
        except MediaError:
            raise error from None
        misnamed = Finding(FindingKind.MISNAMED, detail=f"{_held(path)} ({error})")
        return replace(media, findings=(misnamed, *media.findings))


def _probe_sound(path: Path) -> Media:
    reader = ChannelReader()
    try:
        with soundfile.SoundFile(str(path)) as file:
            if not file.seekable():  # voice mail: some codecs can only be read forwards
                raise MediaError(f"sound coded as {file.subtype} is not seekable")
            frames, rate = file.frames, file.samplerate
            gain = _gain(file)
            file.seek(0)
            names = channel_names(file.channels)
            at = 0
            while file.channels > 1 and at < frames:
                block = file.read(BLOCK, dtype="float32", always_2d=True)
                if len(block) == 0:
                    break
                reader.add(block.T, "", names, rate)
                at += len(block)
    except soundfile.LibsndfileError as error:
        raise MediaError(f"not readable as sound: {error.error_string}") from error
    if frames == 0:
        raise MediaError("no audio samples")
    mix, findings = reader.mix()
    if gain != 1:
        findings.insert(0, Finding(FindingKind.SCALED, "sound", round(1 / gain)))
    seconds = frames / rate
    decoding = Decoding(reader="soundfile", mix=mix, gain=gain)
    return Media(path, 0.0, seconds, Span(0.0, seconds, seconds), None, tuple(findings), decoding)


def _gain(file: soundfile.SoundFile) -> float:
    """Return the factor that scales samples to [-1, 1]; not 1 for integers in a file of floats."""
    if file.subtype not in ("FLOAT", "DOUBLE"):
        return 1.0
    loud, count = 0, 0
    peak = 0.0
    for block in file.blocks(BLOCK, dtype="float64", always_2d=True):
        size = np.abs(block[np.isfinite(block)])
        loud += int((size > 2).sum())
        count += int((size > 0).sum())
        peak = max(peak, float(size.max(initial=0.0)))
    # A damaged file has a few such values; in a file of integers nearly all are.
    if loud < 0.5 * count or peak > 2**31:
        return 1.0
    return 1 / 2**15 if peak <= 2**15 else 1 / 2**31


def _held(path: Path) -> str:
    """Return what a file holds, in words."""
    with open_container(path) as container:
        codecs = [s.codec_context.name for s in container.streams if s.codec_context is not None]
        return f"{container.format.name.partition(',')[0]} with {', '.join(codecs)}"


def _probe_container(path: Path) -> Media:
    try:
        streams, findings = choose_streams(path)
        if not streams:
            raise MediaError(all_in_words(findings) or "neither an audio nor a video stream")
        media, sampled = _read_container(path, streams, list(findings), whole=False)
        if sampled and media.decoding.mix.weights:
            # Whether a channel is left out depends on the sound that was skipped.
            media, _ = _read_container(path, streams, list(findings), whole=True)
        return media
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"not readable as media: {error.strerror}") from error


def _read_container(
    path: Path, streams: Mapping[str, int], findings: list[Finding], *, whole: bool
) -> tuple[Media, bool]:
    """Return what a container holds, and whether only a part of its sound was analysed."""
    with open_container(path) as container:
        reading = _Reading(container, streams, findings, whole=whole)
        return reading.media(path), reading.skipped


class _Reading:
    """One pass over the packets of a container."""

    def __init__(
        self, container: Any, streams: Mapping[str, int], findings: list[Finding], *, whole: bool
    ) -> None:
        self.container, self.indices, self.findings = container, streams, findings
        self.whole, self.skipped = whole, False
        self.streams = {kind: container.streams[index] for kind, index in streams.items()}
        self.clock, self.channels = ClockReader(), ChannelReader()
        self.first: dict[str, float] = {}
        self.counted: dict[str, float] = {}  # seconds of packets without times
        self.counts = container.format.name in COUNTED
        self.timed: set[str] = set()
        self.last: dict[str, tuple[float, float]] = {}
        self.size = (0, 0)
        self.damaged = 0  # packets before the first frame of their stream
        self.reader, self.packed = PacketReader(), Packed()

    def media(self, path: Path) -> Media:
        """Read all packets and return what was found."""
        kinds = {stream.index: kind for kind, stream in self.streams.items()}
        try:
            for packet in self.reader.packets(self.container, *self.streams.values()):
                self._add(kinds[packet.stream.index], packet)
            early = self.reader.error
        except av.error.FFmpegError as error:  # of a frame that cannot be converted
            early = error
        if early is not None:
            self.findings.append(Finding(FindingKind.DAMAGED_END, detail=str(early.strerror)))
        if not self.first:
            raise MediaError("damaged: no frame of its audio or video can be decoded")
        if self.damaged:
            self.findings.append(Finding(FindingKind.DAMAGED_START, count=self.damaged))
        nothing = [kind for kind in self.streams if kind not in self.first]
        self.findings += [Finding(FindingKind.UNDECODED, kind) for kind in nothing]
        parts = self.clock.parts()
        origin = min(self.first.values())
        ends = self._ends(parts)
        duration = max(ends.values()) - origin
        if duration <= 0:
            raise MediaError("no duration: its audio and video last 0 s")
        spans = {k: Span(t - origin, ends[k] - origin, duration) for k, t in self.first.items()}
        wrap = WRAP if self.container.format.name in ("mpegts", "mpeg") else None
        for at, size in jumps(parts, wrap):
            jump = f"{size:+.1f} s at {at - origin:.1f} s"
            self.findings.append(Finding(FindingKind.CLOCK_JUMP, detail=jump))
        mix, mixed = self.channels.mix()
        raw = {"video"} & self.first.keys() - self.timed
        decoding = Decoding(
            streams=self.indices,
            clock=parts,
            mix=mix,
            counted=self.counts,
            size=self.size,
            frame_rate=_frame_rate(self.streams["video"]) if raw else None,
        )
        findings = (*self.findings, *mixed)
        return Media(
            path, origin, duration, spans.get("audio"), spans.get("video"), findings, decoding
        )

    def _add(self, kind: str, packet: Any) -> None:
        stream = self.streams[kind]
        tick = float(stream.time_base)
        stamp = packet.pts if packet.pts is not None else packet.dts
        if kind not in self.first or (kind == "audio" and self._listens(stamp, tick)):
            self._decode(kind, packet)
        if packet.is_discard:
            return
        length = (packet.duration or 0) * tick or _frame_seconds(stream)
        if self.counts:
            return
        if stamp is None:
            self._count(kind, length * bool(packet.size))
            return
        self.timed.add(kind)
        start = stamp * tick
        order = packet.dts * tick if packet.dts is not None else start
        self.clock.add(kind, order, start, length)
        if start >= self.last.get(kind, (float("-inf"), 0.0))[0]:
            self.last[kind] = start, length

    def _listens(self, stamp: int | None, tick: float) -> bool:
        """Return whether the sound at a time is analysed."""
        if self.counts:
            return True
        seconds = 0.0 if stamp is None else stamp * tick - self.first["audio"]
        if self.whole or seconds < LISTENED or seconds % ONE_OF < 1:
            return True
        self.skipped = True
        return False

    def _decode(self, kind: str, packet: Any) -> None:
        frames = self.reader.decode(packet)
        if frames is None:
            self.damaged += kind not in self.first
            if self.counts and kind in self.first:
                self._count(kind, (packet.duration or 0) * float(packet.time_base))
            return
        for frame in frames:
            if self.counts:
                self._count(kind, frame.samples / frame.rate)
            if kind not in self.first:
                self.first[kind] = frame.time if frame.time is not None else 0.0
                if kind == "video":
                    self._look(frame)
            if kind == "audio" and frame.layout.nb_channels > 1:
                names = [channel.name for channel in frame.layout.channels]
                if len(set(names)) < len(names):
                    names = channel_names(len(names))
                try:
                    samples = self.packed(frame)
                except av.error.FFmpegError:  # a frame that the decoder should not have returned
                    continue
                for part in samples:
                    self.channels.add(part, frame.layout.name, names, frame.rate)

    def _count(self, kind: str, seconds: float) -> None:
        self.counted[kind] = self.counted.get(kind, 0.0) + seconds

    def _look(self, frame: av.VideoFrame) -> None:
        """Take size and orientation from the first picture."""
        image = upright(frame, self.streams["video"].sample_aspect_ratio)
        self.size = image.shape[1], image.shape[0]
        turned = display_matrix(frame)
        if turned is not None and not turned[1]:
            self.findings.append(Finding(FindingKind.ODD_ORIENTATION, "video"))

    def _ends(self, parts: tuple[Part, ...]) -> dict[str, float]:
        """Return when each stream ends, in seconds of the continuous clock."""
        ends = dict(self.first)
        for kind, begin in self.first.items():
            stretches = [p.spans[kind][1] + p.shift for p in parts if kind in p.spans]
            ends[kind] = max([begin + self.counted.get(kind, 0.0), *stretches])
        if len(parts) == 1:  # the last frame may last until the sound ends
            for kind, (start, length) in self.last.items():
                if kind in ends and length > JUMP:
                    ends[kind] = max(ends[kind], min(start + length, max(ends.values())))
        return ends


def _frame_rate(stream: Any) -> Fraction:
    """Return the frames per second of a raw stream; 25 where unknown."""
    return Fraction(stream.average_rate or stream.guessed_rate or 25)


def _frame_seconds(stream: Any) -> float:
    """Return the duration of a frame whose packet has none; 0 for sound."""
    rate = getattr(stream, "average_rate", None)
    return float(1 / rate) if rate else 0.0
