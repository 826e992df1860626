"""Arrays cut from faces, window by window, by any function of a frame and a face."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from emorec.extractors.base import Extraction
from emorec.extractors.faces.persons import nearest, stream_persons
from emorec.extractors.faces.search import FaceSearch
from emorec.extractors.faces.track import face_track, follow_everybody
from emorec.media import Face, Image, Media
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Window


@dataclass(frozen=True)
class FaceCutter:
    """Cuts one array from the face in each window's key frame, the one on screen at its middle.

    Attributes:
        search: How faces are found, and whose is used.
        cut: Makes the array from a frame, uint8 (height, width, 3), and a face in it; None: the
            face counts as not found.
        borrow: Largest distance in seconds to a key frame that lends its array.
        device: Where networks run.
        clips_at_once: Clips processed at once, each in a thread.
    """

    search: FaceSearch
    cut: Callable[[Image, Face], Array | None]
    borrow: float
    device: str
    clips_at_once: int

    def extract(self, media: Media, windows: Sequence[Window]) -> Extraction:
        """Return the arrays of one person's face; see :class:`~emorec.extractors.FaceCrops`."""
        if media.video is None:
            missing = Finding(FindingKind.MISSING, "video")
            return Extraction([None] * len(windows), {"windows_with_face": 0}, [missing])
        # Crops of key frames in a mostly uncovered window would repeat the first or last frame.
        seen = [media.video.share(*w) >= 0.5 for w in windows]
        middles = [w.middle for w in windows]
        frames, faces = face_track(media, middles, self.search, self.device, self.clips_at_once)
        crops: list[Array | None] = [
            self.cut(image, face) if face else None
            for image, face in zip(frames.images, faces, strict=True)
        ]
        arrays: list[Array | None] = []
        borrowed = 0
        for window, frame, is_seen in zip(windows, frames.of, seen, strict=True):
            own = crops[frame] if crops and is_seen else None
            if own is None and is_seen:
                own = nearest(window.middle, frames.times, crops, self.borrow)
                borrowed += own is not None
            arrays.append(own)
        found = sum(array is not None for array in arrays)
        findings, of = [], len(windows)
        if frames.damaged:
            findings.append(Finding(FindingKind.DAMAGED, "video", frames.damaged))
        if not all(seen):
            findings.append(Finding(FindingKind.ABSENT, "video", seen.count(False), of))
        if found < sum(seen):
            findings.append(Finding(FindingKind.ABSENT, "face", sum(seen) - found, of))
        if borrowed:
            findings.append(Finding(FindingKind.BORROWED, "face", borrowed, of))
        sides = [face.side for face in faces if face]
        facts: dict[str, int | float | str] = {
            "windows_with_face": found,
            "faces_borrowed": borrowed,
            "face_side": round(median(sides)) if sides else 0,
        }
        return Extraction(arrays, facts, findings)

    def stream(self, media: Media, parts: Sequence[Sequence[Window]]) -> Iterator[Extraction]:
        """Return the arrays of everybody who is followed, one extraction per part."""
        if media.video is None:
            missing = Finding(FindingKind.MISSING, "video")
            return iter([Extraction([], {}, [missing]) for _ in parts])
        times = [window.middle for part in parts for window in part]
        # Now, not at the first part, so that other extractors can share the pass.
        frames = follow_everybody(media, times, self.search, self.device, self.clips_at_once)
        return stream_persons(frames, media.video, parts, self.cut, self.borrow)
