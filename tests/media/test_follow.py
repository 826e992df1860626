"""One person through a clip: detected in each frame, or in few."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.media import Face, Person, follow_face, track_face
from tests.helpers.detectors import Frames, Script, face_at


def track(frames: Frames, person: Person = "largest") -> list[Face | None]:
    """Return what tracking chooses; no frame is looked at twice."""
    script = Script(frames)
    images = [np.full((100, 400, 3), i, np.uint8) for i in range(len(frames))]
    chosen = track_face(images, script, person)
    assert len(script.detected) == len(set(script.detected))
    return chosen


def follow(frames: Frames, person: Person = "largest") -> list[Face | None]:
    """Return what is chosen where all frames were detected."""
    return follow_face(frames, (400, 100), person)


both_ways = pytest.mark.parametrize("choose", [follow, track])
Choose = Callable[..., list[Face | None]]


@both_ways
def test_no_frames_and_no_faces_give_no_choice(choose: Choose) -> None:
    assert choose([]) == []
    assert choose([[], []]) == [None, None]
    assert choose([[]] * 9) == [None] * 9


@both_ways
def test_one_person_is_kept_through_frames_without_a_face(choose: Choose) -> None:
    here, moved = face_at(50), face_at(55)
    frames = [[], [here], [], [moved], [], [], [here]]
    assert choose(frames) == [None, here, None, moved, None, None, here]


@both_ways
@given(
    steps=st.lists(
        st.tuples(st.floats(-8, 8), st.floats(-8, 8), st.floats(36, 60), st.floats(36, 60)),
        min_size=1,
        max_size=20,
    ),
    flips=st.lists(st.booleans(), min_size=20, max_size=20),
)
def test_the_choice_never_jumps_to_the_other_person(
    choose: Choose, steps: list[tuple[float, float, float, float]], flips: list[bool]
) -> None:
    left = [face_at(100 + a, side=size) for a, _, size, _ in steps]
    right = [face_at(300 + b, side=size) for _, b, _, size in steps]
    frames = [[b, a] if flip else [a, b] for a, b, flip in zip(left, right, flips, strict=False)]
    chosen = choose(frames)
    assert chosen in (left, right)
    # Tracking knows three frames when it chooses; they show two faces.
    known = frames if choose is follow else [frames[i] for i in (0, len(frames) // 2, -1)]
    largest = max((face for frame in known for face in frame), key=lambda face: face.area)
    assert largest in chosen


@both_ways
def test_the_other_person_does_not_stand_in_for_the_one_who_is_missed(choose: Choose) -> None:
    big, other = face_at(100, side=60), face_at(300, side=50)
    frames = [[big, other], [other], [big, other], [other], [other]]
    assert choose(frames) == [big, None, big, None, None]


@both_ways
def test_a_lone_face_is_followed_through_a_cut(choose: Choose) -> None:
    before, after = face_at(100), face_at(300)
    assert choose([[before], [before], [after], [after]]) == [before, before, after, after]


@both_ways
@pytest.mark.parametrize(
    ("person", "expected"), [("largest", "large"), ("central", "middle"), ("constant", "always")]
)
def test_the_person_is_chosen_as_asked(choose: Choose, person: Person, expected: str) -> None:
    faces = {
        "large": face_at(340, side=70),
        "middle": face_at(205, side=40),
        "always": face_at(60, side=45),
    }
    whole = list(faces.values())
    alone = [faces["always"]]
    chosen = choose([whole, alone, whole, alone, whole[1:]], person)
    assert chosen[0] == faces[expected]
    assert set(chosen) <= {faces[expected], None}


def test_tracking_stays_with_who_is_alone_in_the_middle_of_the_clip() -> None:
    big, other = face_at(100, side=60), face_at(300, side=50)
    assert track([[big, other], [other], [big, other]]) == [other] * 3


def test_tracking_detects_in_the_middle_frame_unless_it_loses_the_face() -> None:
    still = [[face_at(100 + i)] for i in range(20)]
    script = Script(still)
    images = [np.full((1, 1, 3), i, np.uint8) for i in range(20)]
    assert track_face(images, script) == [frame[0] for frame in still]
    assert script.detected == [10]
    script = Script([*still[:5], [], [face_at(180)], *still[7:]])
    found = track_face(images, script)
    assert found == [*(f[0] for f in still[:5]), None, face_at(180), *(f[0] for f in still[7:])]
    assert script.detected == [10, 6, 5, 4]
