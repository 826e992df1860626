"""A copy of a video with face boxes, labels and probability bars; the sound stays in sync."""

from bisect import bisect_right
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from emorec.figures.plots import COLOURS
from emorec.media import (
    Face,
    Image,
    Media,
    MediaError,
    MediaWriter,
    iter_frames,
    iter_key_frames,
    open_writer,
    probe,
    read_blocks,
    read_comment,
)
from emorec.media.channels import Samples
from emorec.media.mesh import FaceMesh, face_mesh
from emorec.predict.timeline import Timeline, TimelineRow

TICK = Fraction(1, 90000)  # unit of the copy's timestamps, in seconds
RATE = 48000  # sampling rate of its sound, in Hz
WIDE = 1280  # pixels; wider videos are scaled down
MARK = "annotated by emorec: a copy, not a recording"
FONT = cv2.FONT_HERSHEY_SIMPLEX


def annotate(timeline: Timeline, path: Path, *, landmarks: bool = False) -> None:
    """Write an MP4 file (H.264, mono AAC) that shows the prediction for each person.

    A frame shows the window whose middle is nearest; boxes are interpolated linearly between key
    frames. Predictions from sound alone are shown in a corner.

    Args:
        timeline: The timeline of a file, which must still exist.
        path: File to write, whole or not at all.
        landmarks: Draw the points of each face, too.

    Raises:
        MediaError: The file has no video.
        UserError: Landmarks are wanted, but the package with the mesh is not installed.
    """
    media = probe(timeline.file)
    first = next(iter_key_frames(media, [0.0]), None) if media.video else None
    if first is None:
        raise MediaError("no video to draw on")
    with open_writer(path, "mp4", MARK) as writer:
        _write(writer, media, timeline, _even(first.image), face_mesh() if landmarks else None)


def is_annotated(path: Path) -> bool:
    """Return whether :func:`annotate` wrote a file, whatever its name."""
    return path.suffix.lower() == ".mp4" and read_comment(path) == MARK


def _write(
    writer: MediaWriter,
    media: Media,
    timeline: Timeline,
    size: tuple[int, int],
    mesh: FaceMesh | None,
) -> None:
    shown = writer.add_pictures("libx264", size, TICK, options={"preset": "veryfast", "crf": "23"})
    # Mixed to mono without gaps, as the model hears it.
    sound: Iterator[tuple[int, Samples]] = read_blocks(media, RATE) if media.audio else iter(())
    heard = writer.add_sound("aac", RATE) if media.audio else None
    painter = _Painter(timeline)
    last, until = -1, 0.0
    for time, image in iter_frames(media):
        stamp = round(time / TICK)
        if stamp <= last:  # players reject timestamps that do not increase
            continue
        last = stamp
        if heard is not None:
            # Sound runs a second ahead, so that the muxer need not buffer a whole stream.
            while until < time + 1 and (block := next(sound, None)) is not None:
                at, samples = block
                heard.add(samples, at)
                until = at / RATE
        drawn = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        scale = size[0] / image.shape[1]
        for face in painter.faces(time) if mesh is not None else ():
            points = mesh.points(image, face) if mesh is not None else None
            for x, y in () if points is None else np.rint(points * scale).astype(int).tolist():
                cv2.circle(drawn, (x, y), 1, (255, 255, 255), -1, cv2.LINE_AA)
        painter.draw(drawn, time, scale)
        shown.add(drawn, stamp)
    shown.end()
    if heard is not None:
        for at, samples in sound:
            heard.add(samples, at)
        heard.end()


def _even(image: Image) -> tuple[int, int]:
    """Return the size of the copy (width, height); H.264 requires even numbers."""
    height, width = image.shape[:2]
    scale = min(1.0, WIDE / width)
    return max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2)


class _Painter:
    """Draws one moment of a timeline into a frame."""

    def __init__(self, timeline: Timeline) -> None:
        self.classes = timeline.classes
        self.rows = {person: timeline.of(person) for person in timeline.persons}
        self.times = {p: [row.window.middle for row in rows] for p, rows in self.rows.items()}
        window = timeline.rows[0].window
        self.reach = max(window.end - window.start, self._hop())
        self.colours = [tuple(bytes.fromhex(c[1:])) for c in COLOURS]

    def _hop(self) -> float:
        every = [np.diff(times).min() for times in self.times.values() if len(times) > 1]
        return float(min(every, default=0.0))

    def _shown(self, time: float) -> Iterator[tuple[int | None, TimelineRow, Face | None]]:
        """Yield everybody who is shown at a time: person, row and box."""
        for person, times in self.times.items():
            at = bisect_right(times, time)
            near = [i for i in (at - 1, at) if 0 <= i < len(times)]
            i = min(near, key=lambda i: abs(times[i] - time))
            if abs(times[i] - time) <= self.reach:
                row = self.rows[person][i]
                yield person, row, self._box(person, near, time) or row.box

    def faces(self, time: float) -> list[Face]:
        """Return the boxes of everybody who is shown at a time."""
        return [box for _, _, box in self._shown(time) if box is not None]

    def draw(self, image: Image, time: float, scale: float) -> None:
        """Draw into an RGB image whose pixels are ``scale`` of the original's."""
        for person, row, box in self._shown(time):
            if person is None:
                self._bars(image, row, 8, 8, "sound only")
            elif box is not None:
                left, top, right, bottom = (round(value * scale) for value in box[:4])
                colour = self._colour(row)
                cv2.rectangle(image, (left, top), (right, bottom), colour, 2)
                self._bars(image, row, right + 6, top, f"person {person}")

    def _box(self, person: int | None, near: list[int], time: float) -> Face | None:
        boxes = [self.rows[person][i].box for i in near]
        if len(near) < 2 or boxes[0] is None or boxes[1] is None:
            return None
        start, end = (self.times[person][i] for i in near)
        share = (time - start) / (end - start) if 0 < end - start <= self.reach else None
        if share is None:
            return None
        return Face(*(a + share * (b - a) for a, b in zip(*boxes, strict=True)))

    def _colour(self, row: TimelineRow) -> tuple[int, ...]:
        return self.colours[int(np.argmax(row.scores)) % len(self.colours)]

    def _bars(self, image: Image, row: TimelineRow, left: int, top: int, title: str) -> None:
        """Draw the title and the bars, kept inside the image."""
        height, width = image.shape[:2]
        size = max(0.35, min(0.6, height / 1000))
        line, length = round(36 * size), round(190 * size)
        wide = length + round(200 * size)
        left = max(0, min(left, width - wide))
        top = max(0, min(top, height - line * (len(self.classes) + 1)))
        bottom = min(height, top + line * (len(self.classes) + 1))
        area = image[top:bottom, left : left + wide]
        area[:] = area // 3  # darkened, so that the text is legible
        label = f"{title}: {self.classes[int(np.argmax(row.scores))]}"
        place = (left + 4, top + round(0.75 * line))
        cv2.putText(image, label, place, FONT, size, (255, 255, 255), 1, cv2.LINE_AA)
        for number, (name, share) in enumerate(zip(self.classes, row.scores, strict=True), 1):
            y = top + number * line
            colour = self.colours[(number - 1) % len(self.colours)]
            end = left + 4 + round(length * share)
            cv2.rectangle(image, (left + 4, y + 3), (end, y + line - 3), colour, -1)
            place = (left + length + 8, y + round(0.75 * line))
            text = f"{name} {share:.0%}"
            cv2.putText(image, text, place, FONT, 0.85 * size, (255, 255, 255), 1, cv2.LINE_AA)
