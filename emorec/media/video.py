"""Key frames of a video by presentation time, in one sequential pass."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import av
import av.error
import cv2
import numpy as np
from numpy.typing import NDArray

from emorec.media.probe import Media, default_streams

Image = NDArray[np.uint8]
FAR = 30.0  # seconds: where the first time lies beyond, decoding starts near it
BEFORE = 3.0  # seconds before it, so that what a codec needs to start is over


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
    wanted = min(times, default=0.0) + media.origin
    late = wanted > FAR
    found = _read(media, times, wanted - BEFORE if late else None)
    # Files without a good index can bring one too late: then everything is decoded.
    return found if found is not None else _read(media, times, None) or KeyFrames([], [], [], 0)


def _read(media: Media, times: Sequence[float], seek: float | None) -> KeyFrames | None:
    """Read the frames; None where seeking led past the first of the times."""
    order = sorted(range(len(times)), key=lambda i: times[i])
    of = [0] * len(times)
    images: list[Image] = []
    stamps: list[float] = []
    pending = 0  # order[pending:] still wait for their frame
    damaged = [0]
    shown: av.VideoFrame | None = None

    def settle(before: float) -> None:
        """Give the frame on screen to all times that end before the next frame."""
        nonlocal pending
        start = pending
        while pending < len(order) and times[order[pending]] < before:
            of[order[pending]] = len(images)
            pending += 1
        if pending > start and shown is not None:
            image = _to_rgb(shown)
            if images and image.shape != images[0].shape:  # some streams change their size
                height, width = images[0].shape[:2]
                image = np.asarray(cv2.resize(image, (width, height)), np.uint8)
            images.append(image)
            stamps.append(_time(shown, media))

    for frame in _decode(media, seek, damaged):
        if shown is not None:
            settle(_time(frame, media))
        elif seek is not None and order and _time(frame, media) > times[order[0]]:
            return None
        shown = frame
        if pending == len(order):
            break
    if shown is not None:
        settle(float("inf"))
    elif seek is not None:
        return None
    return KeyFrames(images, stamps, of, damaged[0])


def _decode(media: Media, seek: float | None, damaged: list[int]) -> Iterator[av.VideoFrame]:
    """Yield the frames of the default video stream; ``damaged[0]`` counts what cannot be read."""
    with av.open(str(media.path)) as container:
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


def _to_rgb(frame: av.VideoFrame) -> Image:
    image = frame.to_ndarray(format="rgb24")
    # The display matrix turns counter-clockwise by this angle, as rot90 does.
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90) % 4))
