"""The interface of an extractor: what one modality of a clip looks like, window by window."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from emorec.media import Face, Media
from emorec.system.findings import Finding
from emorec.types import Array, Clip, Window

CLIP_TEXT = "clip.text"  # in Extractor.reads: the clip's own text, not a file


@dataclass(frozen=True, slots=True)
class Extraction:
    """What an extractor found in a clip.

    Attributes:
        arrays: One array per window, of the extractor's shape and dtype; None where the modality
            is absent.
        facts: Column of the preprocessing report -> value, such as ``faces_borrowed``.
        findings: What a user should know about the clip. A modality that is absent in some windows
            is ``Finding(FindingKind.ABSENT, "gaze", count, of)``; what fits no kind is ``OTHER``,
            with its own words.
        persons: Where several people are tracked: person (from 1) -> their ``arrays``; then
            ``arrays`` itself is empty.
        boxes: Person -> box of the face in each window's key frame; None where it is not found.
    """

    arrays: list[Array | None]
    facts: dict[str, int | float | str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    persons: dict[int, list[Array | None]] = field(default_factory=dict)
    boxes: dict[int, list[Face | None]] = field(default_factory=dict)


class Extractor(ABC):
    """Turns a clip and its windows into arrays of one modality.

    Constructor arguments are kept as attributes of the same names: they make up the fingerprint of
    the cache. The constructor loads nothing; detectors and the like are loaded on first use.

    Attributes:
        version: Raise it when the output changes for the same arguments.
        shape: Shape of one window's array.
        dtype: numpy type of one window's array.
        pooled_axes: Axes of one window's array over which standardisation pools, so that a
            log-mel keeps a mean per band.
        is_sound: Whether it reads a few numbers from the sound: less memory than pictures.
        around: Seconds around each window's middle that it reads instead; None: the window.
        device: Where networks run; see :meth:`use`.
        clips_at_once: How many clips are processed at once, each in a thread.
    """

    version: ClassVar[int] = 1
    dtype: ClassVar[type[np.generic]] = np.float16
    pooled_axes: ClassVar[tuple[int, ...]] = ()
    is_sound: ClassVar[bool] = False
    around: float | None = None
    device: str = "cpu"
    clips_at_once: int = 1

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of one window's array."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the sidecar files that are read; ``clip.text`` stands for the clip's own text.

        Cached arrays are stale if one of them has changed. A sidecar with the modality's name that
        is not listed here is the modality's own media file.
        """
        return ()

    def seconds(self, clip: Clip) -> float | None:
        """Return the seconds from the clip's origin to the end of the sidecar files it reads.

        Used for clips without a media file: the longest answer is their duration. None: unknown,
        as for a feature vector.

        Args:
            clip: The clip; the paths of its sidecar files are absolute.

        Raises:
            MediaError: They cannot be read.
        """
        return None

    def use(self, device: str, clips: int) -> None:
        """Set where and how the work is done.

        Called in each worker process before the first clip. These are no constructor options, as
        the output must not depend on them.

        Args:
            device: Such as ``cpu`` or ``cuda``.
            clips: How many clips are processed at once, each in a thread.
        """
        self.device, self.clips_at_once = device, clips

    @abstractmethod
    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        """Return one array per window.

        Args:
            clip: The clip; the paths of its sidecar files are absolute.
            media: Its media file as :func:`emorec.media.probe` found it: path, clock, streams; or
                the modality's own file, see :attr:`reads`.
            windows: Spans in seconds from the clip's origin, all of one length.

        Raises:
            MediaError: The clip cannot be used at all; it is skipped.
            UserError: An option does not fit, or a package is missing; the run ends.
        """

    def stream(
        self, clip: Clip, media: Media, parts: Sequence[Sequence[Window]]
    ) -> Iterator[Extraction]:
        """Yield one extraction per part of a recording, in order; several people are kept apart.

        Override it to read the file in a single pass, in memory that does not grow with the
        recording.

        Args:
            clip: The clip, with its sidecar files.
            media: Its media file as :func:`emorec.media.probe` found it.
            parts: Windows of each part; all are in order of time and of one length.
        """
        for part in parts:
            yield self.extract(clip, media, part)

    def constants(self) -> tuple[Array, Array] | None:
        """Return a fixed (mean, deviation) of the values, or None to measure them.

        Both broadcast against ``shape``. They are measured on training clips only, pooled over
        ``pooled_axes``.
        """
        return None

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments, by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}
