"""Crops of everybody in a recording, part by part, in one pass of bounded memory."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from emorec.extractors.base import Extraction
from emorec.extractors.faces.track import Followed
from emorec.media import Face, Image, Span
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Window


class _Shown(NamedTuple):
    """The key frame of a window.

    Attributes:
        time: Seconds from the clip's origin.
        faces: Person -> box and crop.
    """

    time: float
    faces: Mapping[int, tuple[Face, Array | None]]


def stream_persons(
    frames: Iterator[Followed],
    video: Span,
    parts: Sequence[Sequence[Window]],
    cut: Callable[[Image, Face], Array | None],
    borrow: float,
) -> Iterator[Extraction]:
    """Yield the crops of everybody who is followed, one extraction per part.

    A window in which a person is not found takes their nearest crop in this part or the previous
    one.

    Args:
        frames: The key frames of all windows, with everybody in them.
        video: What the video covers.
        parts: Windows of each part, roughly in order of time: frames are kept until their part.
        cut: Makes the crop from a frame and a face.
        borrow: Largest distance in seconds to a key frame that lends its crop.
    """
    before: list[_Shown] = []
    waiting: dict[int, _Shown] = {}
    first = known = damaged = 0
    for part in parts:
        wanted = range(first, first + len(part))
        while any(i not in waiting for i in wanted):
            try:
                frame = next(frames)
            except StopIteration:  # nothing (more) can be decoded
                waiting |= {i: _Shown(math.inf, {}) for i in wanted if i not in waiting}
            else:
                damaged = frame.damaged
                faces = {
                    person: (face, cut(frame.image, face)) for person, face in frame.faces.items()
                }
                waiting |= dict.fromkeys(frame.of, _Shown(frame.time, faces))
        shown = [waiting.pop(i) for i in wanted]
        first += len(part)
        near = [*before, *shown]
        seen = [video.share(*window) >= 0.5 for window in part]
        persons: dict[int, list[Array | None]] = {}
        boxes: dict[int, list[Face | None]] = {}
        for person in sorted({person for each in near for person in each.faces}):
            crops = [each.faces[person][1] if person in each.faces else None for each in near]
            times = [each.time for each in near]
            found: list[Array | None] = []
            for window, each, covered in zip(part, shown, seen, strict=True):
                own = each.faces[person][1] if person in each.faces else None
                if own is None:
                    own = nearest(window.middle, times, crops, borrow)
                found.append(own if covered else None)
            if any(crop is not None for crop in found):
                persons[person] = found
                boxes[person] = [
                    each.faces[person][0] if person in each.faces and covered else None
                    for each, covered in zip(shown, seen, strict=True)
                ]
        before = shown
        lost, known = damaged - known, damaged
        findings = [Finding(FindingKind.DAMAGED, "video", lost)] if lost else []
        yield Extraction([], {}, findings, persons, boxes)


def nearest(
    time: float, times: Sequence[float], crops: Sequence[Array | None], within: float
) -> Array | None:
    """Return the crop nearest in time, at most ``within`` seconds away, or None."""
    near = [(abs(t - time), i) for i, t in enumerate(times) if crops[i] is not None]
    distance, i = min(near, default=(math.inf, -1))
    return crops[i] if distance <= within else None
