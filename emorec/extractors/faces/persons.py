"""Crops of everybody in a recording, part after part, in one pass of bounded memory."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from emorec.extractors.base import Extraction
from emorec.media import Face, FaceDetector, FaceTracks, Image, KeyFrame, Media, iter_key_frames
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Window


class _Shown(NamedTuple):
    """The key frame of a window.

    Attributes:
        time: Seconds from the clip's origin.
        faces: Person -> box and crop.
    """

    time: float
    faces: Mapping[int, tuple[Face, Array]]


def stream_persons(
    media: Media,
    parts: Sequence[Sequence[Window]],
    detector: FaceDetector,
    cut: Callable[[Image, Face], Array],
    borrow: float,
) -> Iterator[Extraction]:
    """Yield the crops of everybody who is followed, one extraction a part.

    A window in which a person is not found takes the nearest crop of the part or of the one before.

    Args:
        media: The file; without video nobody is there.
        parts: Windows of each part, about in order of time: what a part needs is kept until then.
        detector: Finds and refines faces.
        cut: Makes the crop from a frame and a face.
        borrow: Largest distance in seconds to a key frame that lends its crop.
    """
    if media.video is None:
        missing = Finding(FindingKind.MISSING, "video")
        yield from (Extraction([], {}, [missing]) for _ in parts)
        return
    frames = iter_key_frames(media, [window.middle for part in parts for window in part])
    every = _follow(frames, detector, cut)
    before: list[_Shown] = []
    waiting: dict[int, _Shown] = {}
    first = 0
    for part in parts:
        known = frames.damaged
        wanted = range(first, first + len(part))
        while any(i not in waiting for i in wanted):
            try:
                of, frame = next(every)
            except StopIteration:  # nothing (more) can be decoded
                waiting |= {i: _Shown(math.inf, {}) for i in wanted if i not in waiting}
            else:
                waiting |= dict.fromkeys(of, frame)
        shown = [waiting.pop(i) for i in wanted]
        first += len(part)
        near = [*before, *shown]
        seen = [media.video.share(*window) >= 0.5 for window in part]
        persons: dict[int, list[Array | None]] = {}
        boxes: dict[int, list[Face | None]] = {}
        for person in sorted({person for frame in near for person in frame.faces}):
            crops = [f.faces[person][1] if person in f.faces else None for f in near]
            times = [frame.time for frame in near]
            found: list[Array | None] = []
            for window, frame, there in zip(part, shown, seen, strict=True):
                own = frame.faces[person][1] if person in frame.faces else None
                if own is None:
                    own = nearest(window.middle, times, crops, borrow)
                found.append(own if there else None)
            if any(crop is not None for crop in found):
                persons[person] = found
                boxes[person] = [
                    frame.faces[person][0] if person in frame.faces and there else None
                    for frame, there in zip(shown, seen, strict=True)
                ]
        before = shown
        lost = frames.damaged - known
        findings = [Finding(FindingKind.DAMAGED, "video", lost)] if lost else []
        yield Extraction([], {}, findings, persons, boxes)


def nearest(
    time: float, times: Sequence[float], crops: Sequence[Array | None], within: float
) -> Array | None:
    """Return the crop that is nearest in time, at most ``within`` seconds away, or None."""
    near = [(abs(t - time), i) for i, t in enumerate(times) if crops[i] is not None]
    distance, i = min(near, default=(math.inf, -1))
    return crops[i] if distance <= within else None


def _follow(
    frames: Iterable[KeyFrame], detector: FaceDetector, cut: Callable[[Image, Face], Array]
) -> Iterator[tuple[list[int], _Shown]]:
    """Yield frame after frame at which of the times it is on screen, and what it shows."""
    tracks = FaceTracks(detector)
    for frame in frames:
        found = tracks.update(frame.image, frame.time)
        faces = {person: (face, cut(frame.image, face)) for person, face in found.items()}
        yield frame.of, _Shown(frame.time, faces)
