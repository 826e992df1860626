"""Where windows lie in a clip: a function of the clip's id and duration and nothing else."""

import hashlib
import inspect
import random
from abc import ABC, abstractmethod
from typing import Any

from emorec.types import Window


class Windows(ABC):
    """Cuts a clip into windows. Constructor arguments are kept as attributes of their names."""

    @abstractmethod
    def __call__(self, clip_id: str, duration: float) -> list[Window]:
        """Return the windows of a clip, in order of time.

        Args:
            clip_id: Id of the clip, unique in its set.
            duration: Length of the clip in seconds.
        """

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments, by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}


class RandomWindows(Windows):
    """``count`` windows of ``length`` seconds at uniformly random places (Ma et al. 2020).

    They are drawn once, from (seed, clip id, duration), so neither the order of the clips nor
    the number of workers changes them. A clip shorter than a window gives windows that all start
    at 0 and reach past its end.

    Args:
        count: Windows a clip; the paper's 30.
        length: Seconds; the paper's 0.5.
        seed: Another seed draws other windows.

    Example:
        >>> RandomWindows(count=2)("s1_anger_1", 2.0) == RandomWindows(count=2)("s1_anger_1", 2.0)
        True
    """

    def __init__(self, count: int = 30, length: float = 0.5, seed: int = 0) -> None:
        if count < 1 or length <= 0:
            raise ValueError(
                f"windows need count >= 1 and length > 0 seconds, got {count} of {length} s"
            )
        self.count, self.length, self.seed = count, length, seed

    def __call__(self, clip_id: str, duration: float) -> list[Window]:
        """Return the windows; see the base class."""
        digest = hashlib.blake2b(f"{self.seed}\0{clip_id}".encode(), digest_size=8).digest()
        # The standard library promises the same random() for a seed in all versions.
        draw = random.Random(int.from_bytes(digest, "big"))
        room = max(0.0, duration - self.length)
        starts = sorted(draw.random() * room for _ in range(self.count))
        return [Window(start, start + self.length) for start in starts]
