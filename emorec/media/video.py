"""Key frames of a video by presentation time, in one sequential pass."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import av
import numpy as np

from emorec.media.containers import BEFORE, FAR, open_container
from emorec.media.faces import Image
from emorec.media.file import Media
from emorec.media.packets import Decoded, PacketReader
from emorec.media.pictures import Turn, display_matrix, fit, upright
from emorec.media.still import read_still


class _LateError(Exception):
    """Seeking went past the first of the times."""


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """A frame of a video.

    Attributes:
        image: uint8 (height, width, 3), RGB.
        time: Presentation time in seconds from the clip's origin.
        of: Positions of the requested times at which it is on screen.
    """

    image: Image
    time: float
    of: list[int]


@dataclass(frozen=True, slots=True)
class KeyFrames:
    """Frames of a video, each stored once.

    Attributes:
        images: Distinct frames, uint8 (height, width, 3), RGB, in order of time, all of the size
            of the file's first frame.
        times: Presentation time of each image, in seconds from the clip's origin.
        of: For each requested time, the position of its frame in ``images``.
        damaged: Number of packets that could not be decoded.
    """

    images: list[Image]
    times: list[float]
    of: list[int]
    damaged: int


def read_key_frames(media: Media, times: Sequence[float]) -> KeyFrames:
    """Return the frames that are on screen at the given times.

    On screen is the last frame whose presentation time is not after the requested time; before the
    first frame it is the first. Frames are decoded once, in sequence (a seek per key frame is
    several times slower), and only the requested ones are converted: to square pixels, rotated and
    mirrored as the file says.

    Args:
        media: What :func:`emorec.media.probe` returned for the file; it must have video.
        times: Seconds from the clip's origin, in any order.

    Returns:
        The frames; ``images`` is empty if nothing can be decoded.
    """
    decoded = iter_key_frames(media, times)
    frames = list(decoded)
    of = [0] * len(times)
    for number, frame in enumerate(frames):
        for position in frame.of:
            of[position] = number
    found = [frame.image for frame in frames], [frame.time for frame in frames]
    return KeyFrames(*found, of, decoded.damaged)


def iter_key_frames(media: Media, times: Sequence[float]) -> Decoded[KeyFrame]:
    """Yield the frames that :func:`read_key_frames` returns, in order of time, as they are read.

    Args:
        media: What :func:`emorec.media.probe` returned for the file; it must have video.
        times: Seconds from the clip's origin, in any order.
    """
    reader = PacketReader()
    return Decoded(_read_near(media, times, reader), reader)


def _read_near(media: Media, times: Sequence[float], reader: PacketReader) -> Iterator[KeyFrame]:
    """Yield the frames, decoded from near the first of the times on."""
    if media.decoding.reader == "still":
        if times:
            yield KeyFrame(read_still(media.path), 0.0, list(range(len(times))))
        return
    wanted = min(times, default=0.0) + media.origin
    far = wanted > FAR and media.decoding.seekable
    try:
        yield from _read(media, times, wanted - BEFORE if far else None, reader)
    except _LateError:
        # Seeking in files without a good index can land too late: then everything is decoded.
        yield from _read(media, times, None, reader)


def _read(
    media: Media, times: Sequence[float], seek: float | None, reader: PacketReader
) -> Iterator[KeyFrame]:
    """Yield the frames; raises _LateError, before the first, if seeking went past it."""
    order = sorted(range(len(times)), key=lambda i: times[i])
    pending = 0  # order[pending:] still have no frame
    shown: _Shown | None = None

    def settle(before: float) -> Iterator[KeyFrame]:
        """Yield the frame on screen for all times before the next frame."""
        nonlocal pending
        start = pending
        while pending < len(order) and times[order[pending]] < before:
            pending += 1
        if pending > start and shown is not None:
            yield KeyFrame(shown.image(), shown.time, order[start:pending])

    for frame in _decode(media, seek, reader):
        if shown is not None:
            yield from settle(frame.time)
        elif seek is not None and order and frame.time > times[order[0]]:
            raise _LateError
        shown = frame
        if pending == len(order):
            return
    if shown is None and seek is not None:
        raise _LateError
    yield from settle(float("inf"))


def iter_frames(media: Media) -> Decoded[tuple[float, Image]]:
    """Yield all frames of the video that can be decoded, in order.

    Args:
        media: What :func:`emorec.media.probe` returned for the file; it must have video.

    Yields:
        Seconds from the clip's origin, and the frame as :class:`KeyFrames` has it.
    """
    reader = PacketReader()
    if media.decoding.reader == "still":
        return Decoded(iter([(0.0, read_still(media.path))]), reader)
    frames = _decode(media, None, reader)
    return Decoded(((frame.time, frame.image()) for frame in frames), reader)


class _Shown(NamedTuple):
    """A decoded frame; only some are converted to pictures.

    Attributes:
        time: Seconds from the clip's origin.
        frame: As it was decoded.
        aspect: Width of its pixels over their height; None: square.
        turn: How its picture is rotated.
        size: Width and height that pictures are scaled to.
    """

    time: float
    frame: av.VideoFrame
    aspect: Fraction | None
    turn: Turn
    size: tuple[int, int]

    def image(self) -> Image:
        return fit(upright(self.frame, self.aspect, self.turn), self.size)


def _decode(media: Media, seek: float | None, reader: PacketReader) -> Iterator[_Shown]:
    """Yield the frames of the video."""
    decoding = media.decoding
    walk, number = decoding.walk("video"), 0
    with open_container(media.path) as container:
        stream: Any = container.streams[decoding.streams["video"]]
        stream.thread_type = "NONE"  # one thread per worker process
        if seek is not None:
            container.seek(int(seek * av.time_base))
        aspect, turn = _Aspect(stream), np.eye(2)
        for packet in reader.packets(container, stream):
            for frame in reader.decode(packet) or ():
                # The orientation in a key frame holds until the next one.
                turn = turn if (matrix := display_matrix(frame)) is None else matrix[0]
                if decoding.frame_rate is not None:
                    time: float | None = float(number / decoding.frame_rate)
                    number += 1
                else:
                    time = None if frame.time is None else walk(float(frame.time))
                if time is not None:
                    yield _Shown(time - media.origin, frame, aspect.of(frame), turn, decoding.size)


class _Aspect:
    """Width of a stream's pixels over their height, as far as known."""

    def __init__(self, stream: av.VideoStream) -> None:
        self._stream, self._first = stream, stream.codec_context.sample_aspect_ratio
        self._of_container = stream.sample_aspect_ratio
        self._of_size: dict[tuple[int, int], Fraction | None] = {}

    def of(self, frame: av.VideoFrame) -> Fraction | None:
        """Return it for a frame just decoded; None where unknown."""
        context, size = self._stream.codec_context, (frame.width, frame.height)
        # Where the size changes, the decoder is ahead of the frames that it still holds.
        if size not in self._of_size or size == (context.width, context.height):
            coded = context.sample_aspect_ratio
            # The container takes precedence over the codec, unless the codec's value changes.
            self._of_size[size] = self._of_container if not coded or coded == self._first else coded
        return self._of_size[size]
