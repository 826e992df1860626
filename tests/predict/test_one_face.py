"""One person of several, window after window."""

import numpy as np

from emorec.extractors import Extraction
from emorec.media import Face
from emorec.predict.one_face import OneFace
from emorec.types import Array


def extraction(**faces: list[float]) -> Extraction:
    """Return persons ("p1", ...) whose arrays are their number; 0 as the side: not there."""
    persons: dict[int, list[Array | None]] = {}
    boxes: dict[int, list[Face | None]] = {}
    for name, sides in faces.items():
        number = int(name[1:])
        persons[number] = [np.array(number) if side else None for side in sides]
        boxes[number] = [Face(0, 0, side, side, 1.0) if side else None for side in sides]
    return Extraction([], persons=persons, boxes=boxes)


def numbers(arrays: list[Array | None]) -> list[int | None]:
    return [None if array is None else int(np.asarray(array)) for array in arrays]


def test_the_largest_face_is_followed_until_it_is_gone() -> None:
    choose = OneFace()
    first = extraction(p1=[0, 5, 5, 5], p2=[0, 9, 9, 3], p3=[0, 0, 20, 20])
    assert numbers(choose(first, 4)) == [None, 2, 2, 2]
    assert choose.crowded == 3
    second = extraction(p2=[3, 0, 0, 3], p3=[20, 20, 0, 20])
    assert numbers(choose(second, 4)) == [2, 3, None, 3]
    assert choose.crowded == 5


def test_who_has_no_box_counts_least_and_somebody_alone_is_nobody_elses() -> None:
    found = extraction(p1=[4], p2=[9])
    found.boxes[2] = [None]  # a crop that was borrowed from a near frame
    assert numbers(OneFace()(found, 1)) == [1]
    assert numbers(OneFace()(extraction(p7=[1, 1]), 2)) == [7, 7]


def test_what_knows_no_persons_is_taken_as_it_is() -> None:
    arrays: list[Array | None] = [np.array(1), None]
    assert OneFace()(Extraction(arrays), 2) is arrays
    assert OneFace()(Extraction([], {}, ["no video"]), 3) == [None] * 3
