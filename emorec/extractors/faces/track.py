"""Faces of a clip's frames, found once for all extractors that need them."""

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from emorec.extractors.faces.search import FaceSearch
from emorec.media import Face, FaceTracks, Image, Media, iter_key_frames, read_key_frames
from emorec.media.video import KeyFrames

KEPT = 2**28  # bytes of frames kept for the next extractor; 30 frames of 1080p fit


class FaceTrack(NamedTuple):
    """One person's face in some frames.

    Attributes:
        frames: The frames.
        faces: Box in each frame, in pixels; None where it is not found.
    """

    frames: KeyFrames
    faces: list[Face | None]


class Followed(NamedTuple):
    """A frame of a recording, and everybody who is followed.

    Attributes:
        of: Positions of the requested times at which it is on screen.
        time: Seconds from the clip's origin.
        image: uint8 (height, width, 3), RGB.
        faces: Person, from 1 -> face.
        damaged: Packets so far that could not be decoded.
    """

    of: list[int]
    time: float
    image: Image
    faces: Mapping[int, Face]
    damaged: int


def face_track(
    media: Media, times: Sequence[float], search: FaceSearch, device: str, clips_at_once: int
) -> FaceTrack:
    """Return one person's face at some times.

    What another extractor has found for the same file, times and search is reused, and so are the
    frames that it has decoded, while they are kept.

    Args:
        media: The clip's file, with video; shared results are kept with it.
        times: Seconds from the clip's origin.
        search: How faces are found.
        device: Where networks run.
        clips_at_once: See :meth:`FaceSearch.detector`.
    """
    asked = tuple(times)
    before, frames = media.shared.pop("frames", (None, None))
    if before != asked or frames is None:
        del before, frames  # free their memory before others are read
        frames = read_key_frames(media, asked)
    if sum(image.nbytes for image in frames.images) <= KEPT:
        media.shared["frames"] = asked, frames
    found = media.shared.setdefault("faces", {})
    if (search, asked) not in found:
        detector = search.detector(device, clips_at_once)
        found[search, asked] = search.follow(frames.images, detector)
    return FaceTrack(frames, found[search, asked])


def follow_everybody(
    media: Media, times: Sequence[float], search: FaceSearch, device: str, clips_at_once: int
) -> Iterator[Followed]:
    """Return each frame with everybody in it, in order of time.

    Extractors that request the same before any has begun to read share one pass; a frame is kept
    until the last of them has read it. Arguments: see :func:`face_track`.
    """
    waiting = media.shared.setdefault("followed", {})
    asked = search, tuple(times)
    if asked not in waiting:

        def begin() -> Iterator[Followed]:
            waiting.pop(asked)  # later callers start a new pass
            yield from _follow(media, times, search, device, clips_at_once)

        waiting[asked] = itertools.tee(begin(), 1)[0]
    return copy.copy(waiting[asked])


def _follow(
    media: Media, times: Sequence[float], search: FaceSearch, device: str, clips_at_once: int
) -> Iterator[Followed]:
    tracks = FaceTracks(search.detector(device, clips_at_once))
    frames = iter_key_frames(media, times)
    for frame in frames:
        faces = tracks.update(frame.image, frame.time)
        yield Followed(frame.of, frame.time, frame.image, faces, frames.damaged)
