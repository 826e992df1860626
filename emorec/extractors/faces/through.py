"""Arrays cut from a face at equal distances through each window."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from emorec.errors import UserError
from emorec.extractors.base import Extraction
from emorec.extractors.faces.cut import FaceCutter
from emorec.media import Face, Media
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Window

GROUPED = 256  # frames in memory at once, unless a window has more: 0.7 GB of 720p


def check_frames(frames: int) -> None:
    """Check the number of frames of a window.

    Raises:
        UserError: It is below 2.
    """
    if frames < 2:
        raise UserError(
            f"a sequence has at least 2 frames, got {frames}; for one frame use FaceCrops"
        )


@dataclass(frozen=True)
class Through:
    """Cuts several frames per window, as a :class:`FaceCutter` cuts a window's key frame.

    A frame without a face repeats the nearest one of its window; if fewer than half of the frames
    have one (of those within the clip, where it is shorter than a window), the window has nothing.

    Attributes:
        frames: Frames per window.
        cutter: Cuts each frame.
    """

    frames: int
    cutter: FaceCutter

    def extract(self, media: Media, windows: Sequence[Window]) -> Extraction:
        """Return one person's sequence for each window.

        The windows are searched in independent groups of at most :data:`GROUPED` frames (one window
        where it has more), so only the crops' memory grows with the recording, and a part of a
        recording that begins with a group has the same faces as the whole recording.
        """
        arrays: list[Array | None] = []
        facts: dict[str, list[float]] = {"faces_borrowed": [], "face_side": []}
        findings: dict[Finding, None] = {}
        size = self.grouped
        for start in range(0, len(windows), size):
            found = self.cutter.extract(media, self._parts(windows[start : start + size]))
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

    @property
    def grouped(self) -> int:
        """Windows per group: the largest of 1, 2, 4, 8, 16 whose frames fit :data:`GROUPED`."""
        fit = [count for count in (1, 2, 4, 8, 16) if count * self.frames <= GROUPED]
        return max(fit, default=1)

    def stream(self, media: Media, parts: Sequence[Sequence[Window]]) -> Iterator[Extraction]:
        """Return the sequences of everybody who is followed, one extraction per part."""
        every = self.cutter.stream(media, [self._parts(part) for part in parts])
        return self._joined(every, media, parts)

    def _joined(
        self, every: Iterator[Extraction], media: Media, parts: Sequence[Sequence[Window]]
    ) -> Iterator[Extraction]:
        for part, found in zip(parts, every, strict=True):
            persons = {p: self._join(crops, part, media) for p, crops in found.persons.items()}
            boxes: dict[int, list[Face | None]] = {
                person: found.boxes[person][self.frames // 2 :: self.frames] for person in persons
            }
            yield replace(found, persons=persons, boxes=boxes)

    def _parts(self, windows: Sequence[Window]) -> list[Window]:
        """Return ``frames`` short windows for each one, centred on the frames' times."""
        parts = []
        for start, end in windows:
            step = (end - start) / self.frames
            parts += [Window(start + i * step, start + (i + 1) * step) for i in range(self.frames)]
        return parts

    def _join(
        self, crops: Sequence[Array | None], windows: Sequence[Window], media: Media
    ) -> list[Array | None]:
        joined: list[Array | None] = []
        for number, (start, end) in enumerate(windows):
            part = crops[number * self.frames : (number + 1) * self.frames]
            known = [i for i, crop in enumerate(part) if crop is not None]
            wanted = self.frames * min(1.0, media.duration / (end - start))
            if not known or 2 * len(known) < int(wanted):
                joined.append(None)
                continue
            nearest = [min(known, key=lambda k: abs(k - i)) for i in range(self.frames)]
            joined.append(np.stack([np.asarray(part[i]) for i in nearest]))
        return joined
