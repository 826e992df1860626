"""Everybody in a recording: who is who, who is new, and how often faces are detected."""

import numpy as np

from emorec.media import Face, FaceTracks
from tests.helpers.detectors import Frames, Script, face_at


def track(frames: Frames, step: float = 0.5) -> tuple[list[dict[int, float]], list[int]]:
    """Return for each frame person -> middle of the face, and the frames that were searched."""
    script = Script(frames)
    tracks = FaceTracks(script)
    found = [
        tracks.update(np.full((100, 400, 3), i, np.uint8), i * step) for i in range(len(frames))
    ]
    middles = [{p: (face.left + face.right) / 2 for p, face in each.items()} for each in found]
    return middles, script.detected


def test_two_people_who_move_keep_their_numbers() -> None:
    frames: list[list[Face]] = [
        [face_at(350 - 5 * i), face_at(50 + 5 * i)][:: 1 if i % 2 else -1] for i in range(20)
    ]
    found, searched = track(frames)
    assert found == [{1: 50 + 5 * i, 2: 350 - 5 * i} for i in range(20)]
    # Half a second from frame to frame, and a search a second.
    assert searched == list(range(0, 20, 2))


def test_nobody_is_followed_where_nobody_is() -> None:
    found, searched = track([[], [], [face_at(100)], [face_at(100)]])
    assert found == [{}, {}, {1: 100.0}, {1: 100.0}]
    assert searched == [0, 2]


def test_who_is_lost_is_searched_for_at_once() -> None:
    # Between two searches the face jumps too far to be refined, but not out of its box.
    found, searched = track([[face_at(100)], [face_at(125)], [face_at(125)]])
    assert found == [{1: 100.0}, {1: 125.0}, {1: 125.0}]
    assert searched == [0, 1]


def test_who_comes_back_soon_is_the_same_and_later_somebody_new() -> None:
    seen, gone = [face_at(100)], list[Face]()
    soon, _ = track([seen, gone, gone, seen])
    assert soon[3] == {1: 100.0}
    late, _ = track([seen, gone, gone, gone, gone, seen, seen])
    assert late[-1] == {2: 100.0}


def test_somebody_elsewhere_is_somebody_else() -> None:
    found, _ = track([[face_at(100)], [face_at(300)], [face_at(100), face_at(300)]])
    assert found == [{1: 100.0}, {2: 300.0}, {1: 100.0, 2: 300.0}]
