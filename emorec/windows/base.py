"""Where windows lie in a clip: a function of the clip's id and duration only."""

import inspect
import math
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from emorec.media import Media
from emorec.system.files import digest
from emorec.system.findings import Finding
from emorec.types import Window

MOST = 300  # windows of a clip that are cached for drawing afresh


class Windows(ABC):
    """Cuts a clip into windows. Constructor arguments are kept as attributes of the same names.

    Attributes:
        length: Seconds of each window; None if they differ.
        per_epoch: How many of a clip's windows each training epoch uses, drawn afresh; None: all.
    """

    length: float | None = None
    per_epoch: int | None = None

    @abstractmethod
    def __call__(self, clip_id: str, duration: float) -> list[Window]:
        """Return the windows of a clip, in order of time.

        Args:
            clip_id: Id of the clip, unique in its set.
            duration: Length of the clip in seconds.
        """

    def cut(self, clip_id: str, media: Media) -> tuple[list[Window], list[Finding]]:
        """Return the windows of a clip whose file is open, and findings about the search for them.

        Args:
            clip_id: Id of the clip, unique in its set.
            media: Its media file.

        Returns:
            The windows, in order of time, and findings such as ``Finding(FindingKind.NO_SPEECH)``.
        """
        return self(clip_id, media.duration), []

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments, by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}


class GridWindows(Windows):
    """Windows on a regular grid over the whole clip, for timelines.

    They start at 0, ``hop``, 2 ``hop``, ... as long as they end within the clip; a clip shorter
    than a window gives one.

    Args:
        length: Seconds.
        hop: Seconds from one window's start to the next.
    """

    length: float

    def __init__(self, length: float = 0.5, hop: float = 0.5) -> None:
        if length <= 0 or hop <= 0:
            raise ValueError(
                f"windows need length > 0 and hop > 0 seconds, got {length} and {hop} s"
            )
        self.length, self.hop = length, hop

    @override
    def __call__(self, clip_id: str, duration: float) -> list[Window]:
        # Durations are rounded sums of timestamps: a clip may be short by less than 1 ms.
        count = max(1, math.floor((duration - self.length + 1e-3) / self.hop) + 1)
        starts = [number * self.hop for number in range(count)]
        return [Window(start, start + self.length) for start in starts]


class SlidingWindows(GridWindows):
    """Windows on a regular grid that cover the whole clip, for traces.

    As :class:`GridWindows`, but whole steps left over at the end get a window too: the last one is
    moved back to end with the clip, on the grid of steps. A clip shorter than a window gives one
    that extends past its end.

    Args:
        length: Seconds, a multiple of ``step``.
        hop: Seconds from one window's start to the next, a multiple of ``step``.
        step: Seconds per step of the trace; 0.04 is a frame at 25 per second.
    """

    def __init__(self, length: float = 6.0, hop: float = 6.0, step: float = 0.04) -> None:
        super().__init__(length, hop)
        if step <= 0 or any(abs(x / step - round(x / step)) > 1e-6 for x in (length, hop)):
            raise ValueError(
                f"length and hop must be multiples of step, got {length}, {hop} and {step} s"
            )
        self.step = step

    @override
    def __call__(self, clip_id: str, duration: float) -> list[Window]:
        windows = super().__call__(clip_id, duration)
        start = math.floor((duration - self.length + 1e-3) / self.step) * self.step
        if start > windows[-1].start + self.step / 2:
            windows.append(Window(start, start + self.length))
        return windows


class RandomWindows(Windows):
    """``count`` windows of ``length`` seconds at uniformly random places (Ma et al. 2020).

    They are drawn once, from (seed, clip id, duration), so neither the order of the clips nor
    the number of workers changes them. In a clip shorter than a window all windows start at 0 and
    extend past its end.

    With ``fresh`` they are not the same in each epoch: windows begin every ``step`` seconds, all of
    them are cached (300 at most, drawn at random), and each training epoch draws ``count`` of a
    clip's. Validation, testing and prediction use all that are cached. The paper does not state
    whether its segments are drawn once.

    Args:
        count: Windows per clip; the paper's 30.
        length: Seconds; the paper's 0.5.
        seed: Another seed draws other windows.
        fresh: Draw others in each epoch.
        step: Seconds between the starts of those that are cached for it.

    Examples:
        >>> RandomWindows(count=2)("s1_anger_1", 2.0) == RandomWindows(count=2)("s1_anger_1", 2.0)
        True
    """

    length: float

    def __init__(
        self,
        count: int = 30,
        length: float = 0.5,
        seed: int = 0,
        fresh: bool = False,
        step: float = 0.1,
    ) -> None:
        if count < 1 or length <= 0 or step <= 0:
            raise ValueError(
                f"windows need count >= 1, length > 0 and step > 0 seconds, got {count} of "
                f"{length} s, every {step} s"
            )
        self.count, self.length, self.seed, self.fresh, self.step = count, length, seed, fresh, step
        self.per_epoch = count if fresh else None

    @override
    def __call__(self, clip_id: str, duration: float) -> list[Window]:
        if self.fresh:
            grid = GridWindows(self.length, self.step)(clip_id, duration)
            most = max(MOST, self.count)
            chance = self._random(clip_id)
            drawn = sorted(grid, key=lambda _: chance.random())[:most] if len(grid) > most else grid
            return sorted(drawn)
        return self.draw(clip_id, [(0.0, max(0.0, duration - self.length))])

    def _random(self, clip_id: str) -> random.Random:
        drawn = digest(f"{self.seed}\0{clip_id}", 8)
        # The standard library guarantees the same random() for a seed in all versions.
        return random.Random(int.from_bytes(drawn, "big"))

    def draw(self, clip_id: str, spans: Sequence[tuple[float, float]]) -> list[Window]:
        """Return windows whose starts are uniform over spans of time, in seconds."""
        chance = self._random(clip_id)
        room = sum(end - start for start, end in spans)
        starts = []
        for _ in range(self.count):
            at = chance.random() * room
            for start, end in spans:
                if at <= end - start:
                    break
                at -= end - start
            starts.append(min(start + at, end))
        return [Window(start, start + self.length) for start in sorted(starts)]


class WholeClip(Windows):
    """One window from 0 to the clip's end, in seconds: an utterance is one segment.

    Windows of different clips then have different lengths, so they need extractors whose arrays
    do not grow with them: statistics (:class:`~emorec.extractors.Functionals`,
    :class:`~emorec.extractors.OpenSmile`), a fixed number of frames
    (:class:`~emorec.extractors.FaceSequence`), or features computed elsewhere
    (:class:`~emorec.extractors.StoredFeatures`). A Waveform has one length and refuses others.
    """

    @override
    def __call__(self, clip_id: str, duration: float) -> list[Window]:
        return [Window(0.0, duration)]
