"""One face per window: the crop around it in the window's central frame."""

import threading
from collections.abc import Iterator, Sequence
from statistics import median
from typing import ClassVar, Literal

import numpy as np

from emorec.extractors.base import Extraction, Extractor
from emorec.extractors.faces.persons import nearest, stream_persons
from emorec.media import (
    BatchedDetector,
    Face,
    FaceDetector,
    Image,
    Media,
    MTCNNDetector,
    Person,
    follow_face,
    read_key_frames,
    square_crop,
    track_face,
)
from emorec.media.batched import FRAMES
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Clip, Window

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
_LOADING = threading.Lock()


class FaceCrops(Extractor):
    """Face crops of the windows' key frames, uint8 (3, size, size), RGB, 0 to 255.

    The key frame is the one on screen at the window's middle (Ma et al. 2020). Faces are found by
    MTCNN and cut square. The paper's side length is lost; 224 is ImageNet's. A window without a
    face takes the crop of the nearest key frame in time that has one, up to ``borrow`` seconds
    away; else the modality is absent there, as it is where the video covers less than half of the
    window. Where there are several faces, one person is followed through the clip.

    Args:
        size: Side of the crop, in pixels (224, 160, 112, 96, 94, ...).
        margin: Added to the longer side of the face's box, as a share of it.
        borrow: Largest distance in seconds to a key frame that lends its face.
        lines: Height in pixels at which faces are searched.
        min_face: Smallest face, in pixels at that height.
        min_score: Smallest probability of a face, 0 to 1.
        mode: ``tracked`` detects faces in one to three key frames and follows one from frame to
            frame; ``every_frame`` detects in each, which takes several times longer.
        person: Whose face: ``largest`` of the clip, most ``central`` in the picture, or most
            ``constant``: there in most frames.
    """

    version: ClassVar[int] = 2
    dtype: ClassVar[type[np.generic]] = np.uint8
    pooled_axes: ClassVar[tuple[int, ...]] = (1, 2)

    def __init__(
        self,
        size: int = 224,
        margin: float = 0.2,
        borrow: float = 0.5,
        lines: int = 360,
        min_face: int = 40,
        min_score: float = 0.9,
        mode: Literal["tracked", "every_frame"] = "tracked",
        person: Person = "largest",
    ) -> None:
        if size < 32:
            raise ValueError(f"size is the side of a face crop in pixels, at least 32; got {size}")
        self.size, self.margin, self.borrow = size, margin, borrow
        self.lines, self.min_face, self.min_score = lines, min_face, min_score
        self.mode, self.person = mode, person
        self._detector: FaceDetector | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(3, size, size)."""
        return (3, self.size, self.size)

    def constants(self) -> tuple[Array, Array] | None:
        """ImageNet's mean and deviation per channel, in units of 0 to 255."""
        mean = np.array(IMAGENET_MEAN, np.float32).reshape(3, 1, 1) * 255
        std = np.array(IMAGENET_STD, np.float32).reshape(3, 1, 1) * 255
        return mean, std

    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        """Return a crop a window; see the base class."""
        if media.video is None:
            missing = Finding(FindingKind.MISSING, "video")
            return Extraction([None] * len(windows), {"windows_with_face": 0}, [missing])
        # Crops of key frames in a mostly uncovered window would repeat the first or last frame.
        seen = [media.video.share(*w) >= 0.5 for w in windows]
        frames = read_key_frames(media, [w.middle for w in windows])
        faces = self._faces(frames.images, self._load())
        crops: list[Array | None] = [
            self._cut(image, face) if face else None
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
        sides = [max(f.right - f.left, f.bottom - f.top) for f in faces if f]
        facts: dict[str, int | float | str] = {
            "windows_with_face": found,
            "faces_borrowed": borrowed,
            "face_side": round(median(sides)) if sides else 0,
        }
        return Extraction(arrays, facts, findings)

    def stream(
        self, clip: Clip, media: Media, parts: Sequence[Sequence[Window]]
    ) -> Iterator[Extraction]:
        """Yield the crops of everybody who is followed; see the base class."""
        return stream_persons(media, parts, self._load(), self._cut, self.borrow)

    def _load(self) -> FaceDetector:
        """Return the detector, made at first use."""
        with _LOADING:  # clips at once are threads, and share one
            if self._detector is None:
                batch = FRAMES if self.clips_at_once > 1 else 8
                one = MTCNNDetector(self.lines, self.min_face, self.min_score, batch, self.device)
                self._detector = BatchedDetector(one) if self.clips_at_once > 1 else one
            return self._detector

    def _faces(self, images: Sequence[Image], detector: FaceDetector) -> list[Face | None]:
        if self.mode == "tracked" or not images:
            return track_face(images, detector, self.person)
        height, width = images[0].shape[:2]
        return follow_face(detector.detect(images), (width, height), self.person)

    def _cut(self, image: Image, face: Face) -> Array:
        return square_crop(image, face, self.size, self.margin).transpose(2, 0, 1)
