"""One person's face through the key frames of a clip."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from emorec.media.faces import Face, FaceDetector, Image

Person = Literal["largest", "central", "constant"]
Look = Callable[[int, Face], list[Face]]


def follow_face(
    faces: Sequence[Sequence[Face]],
    size: tuple[int, int] = (0, 0),
    person: Person = "largest",
) -> list[Face | None]:
    """Choose one face per frame, staying with the same person.

    It starts with the face that ``person`` selects and continues, forwards and backwards, with the
    face that overlaps the last chosen one most. Where none overlaps and the clip never shows two
    faces at once, the person has moved or the scene was cut: then the face found is taken.
    Otherwise it is somebody else, and the frame is left without a face.

    Args:
        faces: The faces of each frame, frames in order of time.
        size: Width and height of the frames in pixels, for ``central``.
        person: Whose face, where there are several: the largest of the clip (the person nearest to
            the camera: the default, as that is the speaker in all corpora here), the one nearest
            to the centre of the picture, or the one whose place has a face in most frames.

    Returns:
        The chosen face of each frame; None where there is none.
    """
    start = _choose(faces, size, person)
    if start is None:
        return [None] * len(faces)

    def look(at: int, last: Face) -> list[Face]:
        return list(faces[at])

    return _follow(len(faces), *start, look, lambda: any(len(f) > 1 for f in faces))


def track_face(
    images: Sequence[Image], detector: FaceDetector, person: Person = "largest"
) -> list[Face | None]:
    """Choose one face per frame as :func:`follow_face` does, with few detections.

    Faces are detected in the middle frame and, if that shows none or several, in the first and the
    last one too. They decide who is followed (somebody alone in the middle frame is, even if a
    larger face comes later); from there the face is only refined from frame to frame, and detected
    again where that fails. If the three frames show no face, all frames are searched.

    Args:
        images: uint8 (height, width, 3), RGB, all of one size, in order of time.
        detector: Finds and refines faces.
        person: Whose face, see :func:`follow_face`.
    """
    if not images:
        return []
    known: dict[int, list[Face]] = {}

    def detect(numbers: Iterable[int]) -> None:
        missing = sorted(set(numbers) - set(known))
        if missing:
            found = detector.detect([images[i] for i in missing])
            known.update(zip(missing, found, strict=True))

    everything = range(len(images))
    middle = len(images) // 2
    detect([middle])
    if len(known[middle]) != 1:
        detect([everything[0], everything[-1]])
    if not any(known.values()):
        detect(everything)
    seen = [known.get(i, []) for i in everything]
    start = _choose(seen, images[0].shape[1::-1], person)
    if start is None:
        return [None] * len(images)

    def look(at: int, last: Face) -> list[Face]:
        if at not in known:
            near = detector.refine(images[at], last)
            if near is not None:
                return [near]
            detect([at])
        return known[at]

    def crowded() -> bool:
        return any(len(faces) > 1 for faces in known.values())

    return _follow(len(images), *start, look, crowded)


def _choose(
    faces: Sequence[Sequence[Face]], size: tuple[int, int], person: Person
) -> tuple[int, Face] | None:
    """Return a frame and the face in it to start from; None where there is no face."""

    def off_centre(face: Face) -> float:
        x, y = face.left + face.right - size[0], face.top + face.bottom - size[1]
        return x**2 + y**2

    def frames_with(face: Face) -> int:
        return sum(any(other.overlap(face) > 0 for other in frame) for frame in faces)

    ranks: dict[Person, Callable[[Face], tuple[float, ...]]] = {
        "largest": lambda face: (face.area,),
        "central": lambda face: (-off_centre(face), face.area),
        "constant": lambda face: (frames_with(face), face.area),
    }
    seen = [(i, face) for i, frame in enumerate(faces) for face in frame]
    return max(seen, key=lambda one: ranks[person](one[1]), default=None)


def _follow(
    count: int, start: int, face: Face, look: Look, crowded: Callable[[], bool]
) -> list[Face | None]:
    chosen: list[Face | None] = [None] * count
    chosen[start] = face
    for order in (range(start + 1, count), range(start - 1, -1, -1)):
        last = face
        for i in order:
            found = look(i, last)
            if not found:
                continue
            nearest = max(found, key=last.overlap)
            if nearest.overlap(last) == 0 and crowded():
                continue
            chosen[i] = last = nearest
    return chosen
