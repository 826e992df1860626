"""Several frames of a face in each window, for encoders that look at movement."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from emorec.errors import UserError
from emorec.extractors.base import Extraction
from emorec.extractors.face_crops import FaceCrops
from emorec.media import Face, Media, Person
from emorec.types import Array, Clip, Window


class FaceSequence(FaceCrops):
    """Face crops at equal distances through each window, uint8 (frames, 3, size, size), RGB.

    Each frame is cut as :class:`FaceCrops` cuts the key frame of a window. A frame without a face
    repeats the nearest one of its window; where fewer than half of the frames have one, the
    modality is absent.

    Args:
        frames: A window.
        size: Side of the crops, in pixels.
        margin: Added to the longer side of the face's box, as a share of it.
        borrow: Largest distance in seconds to a frame that lends its face.
        lines: Height in pixels at which faces are searched.
        min_face: Smallest face, in pixels at that height.
        min_score: Smallest probability of a face, 0 to 1.
        mode: ``tracked`` or ``every_frame``, see :class:`FaceCrops`.
        person: Whose face, see :class:`FaceCrops`.
    """

    def __init__(
        self,
        frames: int = 8,
        size: int = 112,
        margin: float = 0.2,
        borrow: float = 0.5,
        lines: int = 360,
        min_face: int = 40,
        min_score: float = 0.9,
        mode: Literal["tracked", "every_frame"] = "tracked",
        person: Person = "largest",
    ) -> None:
        super().__init__(size, margin, borrow, lines, min_face, min_score, mode, person)
        if frames < 2:
            raise UserError(f"a sequence has at least 2 frames, got {frames}; one is FaceCrops")
        self.frames = frames

    @property
    def shape(self) -> tuple[int, ...]:
        """(frames, 3, size, size)."""
        return (self.frames, 3, self.size, self.size)

    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        """Return a sequence a window; see the base class."""
        found = super().extract(clip, media, self._parts(windows))
        arrays = self._join(found.arrays)
        there = sum(array is not None for array in arrays)
        warnings = [w for w in found.warnings if "windows" not in w]
        if media.video is not None and there < len(windows):
            warnings.append(f"no face in {len(windows) - there} of {len(windows)} windows")
        return replace(
            found,
            arrays=arrays,
            facts={**found.facts, "windows_with_face": there},
            warnings=warnings,
        )

    def stream(
        self, clip: Clip, media: Media, parts: Sequence[Sequence[Window]]
    ) -> Iterator[Extraction]:
        """Yield the sequences of everybody who is followed; see the base class."""
        for found in super().stream(clip, media, [self._parts(part) for part in parts]):
            persons = {person: self._join(crops) for person, crops in found.persons.items()}
            boxes: dict[int, list[Face | None]] = {
                person: found.boxes[person][self.frames // 2 :: self.frames] for person in persons
            }
            yield replace(found, persons=persons, boxes=boxes)

    def _parts(self, windows: Sequence[Window]) -> list[Window]:
        """Return ``frames`` windows for each one, whose middles are the frames' times."""
        parts = []
        for start, end in windows:
            step = (end - start) / self.frames
            parts += [Window(start + i * step, start + (i + 1) * step) for i in range(self.frames)]
        return parts

    def _join(self, crops: Sequence[Array | None]) -> list[Array | None]:
        joined: list[Array | None] = []
        for start in range(0, len(crops), self.frames):
            part = crops[start : start + self.frames]
            known = [i for i, crop in enumerate(part) if crop is not None]
            if 2 * len(known) < self.frames:
                joined.append(None)
                continue
            nearest = [min(known, key=lambda k: abs(k - i)) for i in range(self.frames)]
            joined.append(np.stack([np.asarray(part[i]) for i in nearest]))
        return joined
