"""A sample of the faces in a recording, for figures; its size does not grow with the length."""

from collections.abc import Mapping, Sequence

import numpy as np

from emorec.extractors import Extraction, Extractor
from emorec.media.image import as_picture
from emorec.types import Array, Window

MOST = 40  # faces kept per person


def has_pictures(extractor: Extractor) -> bool:
    """Return whether an extractor produces images."""
    return as_picture(np.zeros(extractor.shape, extractor.dtype)) is not None


def pictures_of(rows: Sequence[Mapping[str, Array | None]]) -> list[Array | None]:
    """Return the image of each window, uint8 (H, W, 3), or None.

    Args:
        rows: For each window, modality -> array; None where the modality is absent.
    """
    images_of = ([as_picture(array) for array in row.values()] for row in rows)
    return [next((one for one in images if one is not None), None) for images in images_of]


class FaceStrip:
    """Keeps a sample of each person's faces, spread over the whole recording.

    Attributes:
        kept: Person -> (seconds, crop as uint8 (H, W, 3)), in temporal order.
    """

    def __init__(self) -> None:
        self.kept: dict[int | None, list[tuple[float, Array]]] = {}
        self._every: dict[int, int] = {}
        self._seen: dict[int, int] = {}

    def add(self, windows: Sequence[Window], found: Extraction) -> None:
        """Add the crops of the next windows: images (see ``as_picture``) or None."""
        for person, arrays in found.persons.items():
            for window, array in zip(windows, arrays, strict=True):
                image = as_picture(array)
                if image is not None:
                    self._add(person, window.middle, image)

    def _add(self, person: int, time: float, image: Array) -> None:
        faces = self.kept.setdefault(person, [])
        number, every = self._seen.get(person, 0), self._every.get(person, 1)
        self._seen[person] = number + 1
        if number % every:
            return
        faces.append((time, image.copy()))
        if len(faces) > MOST:  # from now on, keep half as many
            del faces[1::2]
            self._every[person] = 2 * every
