"""Arrays cut from a face at equal distances through each window."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median
from typing import Literal

import numpy as np
from typing_extensions import override

from emorec.errors import UserError
from emorec.extractors.base import Extraction, Extractor
from emorec.extractors.faces.crops import check_size
from emorec.extractors.faces.cut import FaceCutter
from emorec.extractors.faces.search import FaceSearch
from emorec.media import Face, Image, Media
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Clip, Window

GROUPED = 256  # frames in memory at once, unless a window has more: 0.7 GB of 720p


class FaceFrames(Extractor):
    """Several frames of a face per window, each cut as :class:`FaceCutter` cuts a key frame.

    A frame without a face repeats the nearest one of its window; if fewer than half of the frames
    have one (of those within the clip, where it is shorter than a window), the window has nothing.

    Args:
        frames: Frames per window, at equal distances.
        size: Side of the crops, in pixels.
        margin: Added to the longer side of the face's box, as a share of it.
        borrow: Largest distance in seconds to a frame that lends its face.
        faces: How faces are found, and whose is used.
        rate: Frames per second, from the window's start on; None: they spread over the window.
        pad: What stands for frames after the end of the clip: the last one again, or zeros.

    Raises:
        UserError: There are fewer than two frames, or the rate is not positive.
    """

    def __init__(
        self,
        frames: int,
        size: int,
        margin: float,
        borrow: float,
        faces: FaceSearch | None,
        rate: float | None = None,
        pad: Literal["repeat", "black"] = "repeat",
    ) -> None:
        check_size(size)
        if rate is not None and rate <= 0:
            raise UserError(f"rate is a number of frames per second, above 0; got {rate:g}")
        self.rate, self.pad = rate, pad
        if frames < 2:
            raise UserError(
                f"a sequence has at least 2 frames, got {frames}; for one frame use FaceCrops"
            )
        self.frames, self.size, self.margin, self.borrow = frames, size, margin, borrow
        self.faces = faces or FaceSearch()

    @abstractmethod
    def cut(self, image: Image, face: Face) -> Array | None:
        """Return what is cut from one frame: an array of ``shape[1:]``; None: no face after all."""

    def joined(self, arrays: Sequence[Array], own: Sequence[bool]) -> Array:
        """Return a window's array from those of its frames.

        Args:
            arrays: One for each frame; that of the nearest frame where it has none.
            own: Whether each is the frame's own.
        """
        return np.stack(arrays)

    @override
    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        """Return one person's sequence for each window.

        The windows are searched in independent groups of at most :data:`GROUPED` frames (one window
        where it has more), so only the crops' memory grows with the recording, and a part of a
        recording that begins with a group has the same faces as the whole recording.
        """
        arrays: list[Array | None] = []
        facts: dict[str, list[float]] = {"faces_borrowed": [], "face_side": []}
        findings: dict[Finding, None] = {}
        cutter, size = self._cutter(), self._grouped()
        for start in range(0, len(windows), size):
            found = cutter.extract(media, self._parts(windows[start : start + size]))
            arrays += self._join(found.arrays, windows[start : start + size], media)
            for name, values in facts.items():
                values.append(float(found.facts.get(name, 0)))
            # Findings that count windows would count frames of one group here.
            findings |= dict.fromkeys(f for f in found.findings if not f.counts_windows)
        present = sum(array is not None for array in arrays)
        if media.video is not None and present < len(windows):
            lost = len(windows) - present
            findings[Finding(FindingKind.ABSENT, "face", lost, len(windows))] = None
        sides = [side for side in facts["face_side"] if side]
        summed: dict[str, int | float | str] = {
            "windows_with_face": present,
            "faces_borrowed": round(sum(facts["faces_borrowed"])),
            "face_side": round(median(sides)) if sides else 0,
        }
        return Extraction(arrays, summed, list(findings))

    def _grouped(self) -> int:
        """Return windows per group: of 1, 2, 4, 8, 16 the most whose frames fit GROUPED."""
        fit = [count for count in (1, 2, 4, 8, 16) if count * self.frames <= GROUPED]
        return max(fit, default=1)

    @override
    def stream(
        self, clip: Clip, media: Media, parts: Sequence[Sequence[Window]]
    ) -> Iterator[Extraction]:
        """Return the sequences of everybody who is followed, one extraction per part."""
        every = self._cutter().stream(media, [self._parts(part) for part in parts])
        return self._joined(every, media, parts)

    def _cutter(self) -> FaceCutter:
        return FaceCutter(self.faces, self.cut, self.borrow, self.device, self.clips_at_once)

    def _joined(
        self, every: Iterator[Extraction], media: Media, parts: Sequence[Sequence[Window]]
    ) -> Iterator[Extraction]:
        for part, found in zip(parts, every, strict=True):
            persons = {p: self._join(crops, part, media) for p, crops in found.persons.items()}
            at = [n * self.frames + self._middle(w) for n, w in enumerate(part)]
            boxes: dict[int, list[Face | None]] = {
                person: [found.boxes[person][i] for i in at] for person in persons
            }
            yield replace(found, persons=persons, boxes=boxes)

    def _parts(self, windows: Sequence[Window]) -> list[Window]:
        """Return ``frames`` short windows for each one, centred on the frames' times."""
        parts = []
        for start, end in windows:
            step = (end - start) / self.frames if self.rate is None else 1 / self.rate
            parts += [Window(start + i * step, start + (i + 1) * step) for i in range(self.frames)]
        return parts

    def _middle(self, window: Window) -> int:
        """Return the frame that is nearest to the window's middle."""
        if self.rate is None:
            return self.frames // 2
        return min(self.frames - 1, int((window.end - window.start) / 2 * self.rate))

    def _join(
        self, crops: Sequence[Array | None], windows: Sequence[Window], media: Media
    ) -> list[Array | None]:
        joined: list[Array | None] = []
        for number, (start, end) in enumerate(windows):
            part = crops[number * self.frames : (number + 1) * self.frames]
            known = [i for i, crop in enumerate(part) if crop is not None]
            inside = self._inside(Window(start, end), media.duration)
            if not known or 2 * len(known) < inside:
                joined.append(None)
                continue
            nearest = [min(known, key=lambda k: abs(k - i)) for i in range(self.frames)]
            array = self.joined(
                [np.asarray(part[i]) for i in nearest], [i == at for at, i in enumerate(nearest)]
            )
            if self.pad == "black":
                array[max(1, inside) :] = 0
            joined.append(array)
        return joined

    def _inside(self, window: Window, duration: float) -> int:
        """Return how many frames of a window lie within a clip of some seconds."""
        start, end = window
        if self.rate is None:
            return int(self.frames * min(1.0, duration / (end - start)))
        return min(self.frames, round((duration - start) * self.rate))
