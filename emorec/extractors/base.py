"""The interface of an extractor: what one modality of a clip looks like, window by window."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from emorec.media import Media
from emorec.types import Array, Clip, Window


@dataclass(frozen=True, slots=True)
class Extraction:
    """What an extractor found in a clip.

    Attributes:
        arrays: One array a window, of the extractor's shape and dtype; None where the modality
            is absent.
        facts: Column of the preprocessing report -> value, such as ``faces_borrowed``.
        warnings: What a user should know about the clip, in words.
    """

    arrays: list[Array | None]
    facts: dict[str, int | float | str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class Extractor(ABC):
    """Turns a clip and its windows into arrays of one modality.

    Constructor arguments are kept as attributes of the same names: they are the fingerprint of
    what is cached. The constructor loads nothing; detectors and the like are made on first use.

    Attributes:
        version: Raise it when the output changes for the same arguments.
        shape: Shape of one window's array.
        dtype: numpy type of one window's array.
        pooled_axes: Axes of one window's array over which standardisation pools, so that a
            log-mel keeps a mean per band.
        device: Where networks run; see :meth:`use`.
        clips_at_once: How many clips are in work, each in a thread.
    """

    version: ClassVar[int] = 1
    dtype: ClassVar[type[np.generic]] = np.float16
    pooled_axes: ClassVar[tuple[int, ...]] = ()
    device: str = "cpu"
    clips_at_once: int = 1

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of one window's array."""

    def use(self, device: str, clips: int) -> None:
        """Take note of how the work is done.

        Called in each worker process before the first clip. It is no option of the constructor:
        what is extracted must not depend on it.

        Args:
            device: Such as ``cpu`` or ``cuda``.
            clips: How many clips are in work at once, each in a thread.
        """
        self.device, self.clips_at_once = device, clips

    @abstractmethod
    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        """Return one array a window.

        Args:
            clip: The clip, with its sidecar files.
            media: Its media file as :func:`emorec.media.probe` found it: path, clock, streams.
            windows: Spans in seconds from the clip's origin, all of one length.

        Raises:
            MediaError: The clip cannot be used at all.
        """

    def constants(self) -> tuple[Array, Array] | None:
        """Return a fixed (mean, deviation) of the values, or None to measure them.

        Both broadcast against ``shape``. Measured means training clips only, pooled over
        ``pooled_axes``.
        """
        return None

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments, by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}
