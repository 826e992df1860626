"""Whose face counts, where a recording is read part after part and one person is looked at."""

from emorec.extractors import Extraction
from emorec.types import Array


class OneFace:
    """Stays with one person, window after window.

    It begins with the largest face of the first window that has one, and goes on with that person
    as long as they are followed; then again with the largest face. (Training sees a whole clip at
    once and can choose better; with one person in the picture both are the same.)

    Attributes:
        crowded: Number of windows so far with several people.
    """

    def __init__(self) -> None:
        self.crowded = 0
        self._person = 0  # nobody: they count from 1

    def __call__(self, found: Extraction, count: int) -> list[Array | None]:
        """Return one array a window, or None, of the next part of the recording.

        Args:
            found: What was extracted from the part: ``persons``, or ``arrays``, which are returned
                as they are.
            count: Number of its windows.
        """
        if not found.persons:
            return found.arrays or [None] * count
        return [self._of_window(found, i) for i in range(count)]

    def _of_window(self, found: Extraction, window: int) -> Array | None:
        there = [p for p, arrays in found.persons.items() if arrays[window] is not None]
        self.crowded += len(there) > 1
        if not there:
            return None

        def area(person: int) -> float:
            box = found.boxes.get(person, [None] * (window + 1))[window]
            return box.area if box is not None else 0.0

        if self._person not in there:
            self._person = max(there, key=area)
        return found.persons[self._person][window]
