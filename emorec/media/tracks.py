"""Everybody's face through a recording: detected now and then, followed in between."""

from dataclasses import dataclass

import numpy as np

from emorec.media.faces import Face, FaceDetector, Image


@dataclass(slots=True)
class _Track:
    person: int
    face: Face
    seen: float  # seconds


class FaceTracks:
    """Follows every face of a recording, frame after frame.

    Faces are detected in the first frame and again every ``every`` seconds; in between, each known
    face is only refined, and the whole frame is searched if that fails. Boxes in two frames belong
    to one person if they overlap (the assignment with the largest sum of overlaps). It tracks
    places, not identities: who returns after ``patience`` seconds, or elsewhere, is a new person.

    Args:
        detector: Finds and refines faces.
        every: Seconds between detections.
        patience: Seconds unseen after which a person is gone.
        overlap: Least intersection over union of one person's boxes in neighbouring key frames.
    """

    def __init__(
        self,
        detector: FaceDetector,
        every: float = 1.0,
        patience: float = 2.0,
        overlap: float = 0.1,
    ) -> None:
        self.detector, self.every, self.patience, self.overlap = detector, every, patience, overlap
        self._tracks: list[_Track] = []
        self._persons = 0
        self._searched = float("-inf")

    def update(self, image: Image, time: float) -> dict[int, Face]:
        """Follow the faces into the next frame.

        Args:
            image: uint8 (height, width, 3), RGB.
            time: In seconds; later than that of the previous frame.

        Returns:
            Person (from 1, in order of appearance) -> face.
        """
        self._tracks = [t for t in self._tracks if time - t.seen <= self.patience]
        if time - self._searched < self.every:
            found = self._refine(image, time)
            if found is not None:
                return found
        self._searched = time
        return self._match(self.detector.detect([image])[0], time)

    def _refine(self, image: Image, time: float) -> dict[int, Face] | None:
        """Return where the known faces are now; None if one is not found with confidence."""
        found: dict[int, Face] = {}
        for track in self._tracks:
            face = self.detector.refine(image, track.face)
            if face is None:
                return None
            found[track.person] = face
        for track in self._tracks:
            track.face, track.seen = found[track.person], time
        return found

    def _match(self, faces: list[Face], time: float) -> dict[int, Face]:
        """Assign detected faces to known people; the others are new people."""
        found: dict[int, Face] = {}
        free = set(range(len(faces)))
        if self._tracks and faces:
            from scipy.optimize import linear_sum_assignment  # here: it is slow to import

            overlaps = np.array([[t.face.overlap(face) for face in faces] for t in self._tracks])
            rows, columns = linear_sum_assignment(overlaps, maximize=True)
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
                if overlaps[row, column] >= self.overlap:
                    track = self._tracks[row]
                    track.face, track.seen = faces[column], time
                    found[track.person] = faces[column]
                    free.discard(column)
        for i in sorted(free):
            self._persons += 1
            self._tracks.append(_Track(self._persons, faces[i], time))
            found[self._persons] = faces[i]
        return found
