"""Key frames of a video by presentation time, in one sequential pass."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import av
import av.error
import cv2
import numpy as np
from numpy.typing import NDArray

from emorec.media.containers import BEFORE, FAR, open_container
from emorec.media.probe import Media, default_streams

Image = NDArray[np.uint8]


class _LateError(Exception):
    """Seeking led past the first of the times."""


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """A frame of a video.

    Attributes:
        image: uint8 (height, width, 3), RGB.
        time: Presentation time in seconds from the clip's origin.
        of: Positions of the times asked for at which it is on screen.
    """

    image: Image
    time: float
    of: list[int]


@dataclass(frozen=True, slots=True)
class KeyFrames:
    """Frames of a video, each stored once.

    Attributes:
        images: Distinct frames, uint8 (height, width, 3), RGB, in order of time, all of the first
            one's size.
        times: Presentation time of each image, in seconds from the clip's origin.
        of: For each time that was asked for, the position of its frame in ``images``.
        damaged: Number of packets that could not be decoded.
    """

    images: list[Image]
    times: list[float]
    of: list[int]
    damaged: int


def read_key_frames(media: Media, times: Sequence[float]) -> KeyFrames:
    """Return the frames that are on screen at the given times.

    On screen is the last frame whose presentation time is not after the time asked for; before
    the first frame it is the first, after the last the last. Frames are decoded once, in
    sequence (a seek per key frame is several times slower), and only those that are asked for
    are converted. Rotation metadata is applied.

    Args:
        media: What :func:`emorec.media.probe` returned for the file; it must have video.
        times: Seconds from the clip's origin, in any order.

    Returns:
        The frames; ``images`` is empty where nothing can be decoded.
    """
    damaged = [0]
    frames = list(iter_key_frames(media, times, damaged))
    of = [0] * len(times)
    for number, frame in enumerate(frames):
        for position in frame.of:
            of[position] = number
    found = [frame.image for frame in frames], [frame.time for frame in frames]
    return KeyFrames(*found, of, damaged[0])


def iter_key_frames(
    media: Media, times: Sequence[float], damaged: list[int] | None = None
) -> Iterator[KeyFrame]:
    """Yield the frames that :func:`read_key_frames` returns, in order of time, as they are read.

    Args:
        media: What :func:`emorec.media.probe` returned for the file; it must have video.
        times: Seconds from the clip's origin, in any order.
        damaged: Its first item is raised by the number of packets that cannot be decoded.
    """
    wanted = min(times, default=0.0) + media.origin
    count = [0] if damaged is None else damaged
    try:
        yield from _read(media, times, wanted - BEFORE if wanted > FAR else None, count)
    except _LateError:
        # Files without a good index can bring one too late: then everything is decoded.
        yield from _read(media, times, None, count)


def _read(
    media: Media, times: Sequence[float], seek: float | None, damaged: list[int]
) -> Iterator[KeyFrame]:
    """Yield the frames; raises _LateError, before the first, where seeking led past it."""
    order = sorted(range(len(times)), key=lambda i: times[i])
    pending = 0  # order[pending:] still wait for their frame
    size: tuple[int, int] | None = None
    shown: av.VideoFrame | None = None

    def settle(before: float) -> Iterator[KeyFrame]:
        """Give the frame on screen to all times that end before the next frame."""
        nonlocal pending, size
        start = pending
        while pending < len(order) and times[order[pending]] < before:
            pending += 1
        if pending > start and shown is not None:
            image = upright(shown)
            size = size or (image.shape[1], image.shape[0])
            if image.shape[1::-1] != size:  # some streams change their size
                image = np.asarray(cv2.resize(image, size), np.uint8)
            yield KeyFrame(image, _time(shown, media), order[start:pending])

    for frame in _decode(media, seek, damaged):
        if shown is not None:
            yield from settle(_time(frame, media))
        elif seek is not None and order and _time(frame, media) > times[order[0]]:
            raise _LateError
        shown = frame
        if pending == len(order):
            return
    if shown is None and seek is not None:
        raise _LateError
    yield from settle(float("inf"))


def iter_frames(media: Media) -> Iterator[av.VideoFrame]:
    """Yield all frames of the default video stream that can be decoded, in order."""
    yield from _decode(media, None, [0])


def _decode(media: Media, seek: float | None, damaged: list[int]) -> Iterator[av.VideoFrame]:
    """Yield the frames of the default video stream; ``damaged[0]`` counts what cannot be read."""
    with open_container(media.path) as container:
        stream = default_streams(container)["video"]
        stream.thread_type = "NONE"  # one thread a worker process
        if seek is not None:
            container.seek(int(seek * av.time_base))
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError:
                damaged[0] += 1
                return
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                damaged[0] += 1
                continue
            yield from (frame for frame in frames if frame.time is not None)


def _time(frame: av.VideoFrame, media: Media) -> float:
    return float(frame.time or 0.0) - media.origin


def upright(frame: av.VideoFrame) -> Image:
    """Return a decoded frame as uint8 (height, width, 3), RGB, turned as its metadata says."""
    image = frame.to_ndarray(format="rgb24")
    # The display matrix turns counter-clockwise by this angle, as rot90 does.
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90) % 4))
