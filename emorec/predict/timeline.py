"""Predictions for a recording window by window, for each tracked face."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from emorec.media import Face
from emorec.system.files import readable
from emorec.system.findings import Finding, in_words
from emorec.types import Array, Window

if TYPE_CHECKING:
    import pandas as pd


class TimelineRow(NamedTuple):
    """One person in one window.

    Attributes:
        window: Seconds from the recording's origin.
        person: Number of the tracked face, from 1; None for sound alone.
        box: The face in the key frame, in pixels; None if it was not found there.
        scores: (classes,), probabilities, 0 to 1.
        alone: Modality that is present -> (classes,), with the others removed.
    """

    window: Window
    person: int | None
    box: Face | None
    scores: list[float]
    alone: dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The predictions for a recording, window by window.

    Attributes:
        file: The file.
        duration: Seconds.
        classes: Class names, in the order of the scores.
        rows: By window, then by person.
        seen: Whether the file has video.
        findings: What was unusual about the file.
        faces: Person -> (seconds, crop as uint8 (H, W, 3)) for some windows, in temporal order.
        title: Its name in figures: the file's name, or the id of the clip.
    """

    file: Path
    duration: float
    classes: list[str]
    rows: list[TimelineRow]
    seen: bool = False
    findings: list[Finding] = field(default_factory=list)
    faces: dict[int | None, list[tuple[float, Array]]] = field(default_factory=dict)
    title: str = ""

    @property
    def warnings(self) -> list[str]:
        """The findings as text."""
        return [in_words(each) for each in self.findings]

    @property
    def persons(self) -> list[int | None]:
        """The people, in order of appearance; None: windows with sound but no face."""
        return list(dict.fromkeys(row.person for row in self.rows))

    @property
    def modalities(self) -> list[str]:
        """The modalities present in at least one window."""
        return sorted({name for row in self.rows for name in row.alone})

    def of(self, person: int | None) -> list[TimelineRow]:
        """Return the rows of one person."""
        return [row for row in self.rows if row.person == person]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict: each person's mean, without the individual windows."""
        return {
            "file": str(self.file),
            "duration": round(self.duration, 3),
            "persons": [self._summary(person) for person in self.persons],
            "warnings": self.warnings,
        }

    def _summary(self, person: int | None) -> dict[str, Any]:
        rows = self.of(person)
        mean = _mean([row.scores for row in rows])
        return {
            "person": person,
            "start": round(rows[0].window.start, 4),
            "end": round(rows[-1].window.end, 4),
            "windows": len(rows),
            "label": self.classes[max(range(len(mean)), key=mean.__getitem__)],
            "probabilities": dict(zip(self.classes, mean, strict=True)),
            "alone": {
                name: dict(
                    zip(
                        self.classes,
                        _mean([row.alone[name] for row in rows if name in row.alone]),
                        strict=True,
                    )
                )
                for name in self.modalities
                if any(name in row.alone for row in rows)
            },
        }

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row per person and window.

        Columns: file, clip (its id, where that is not the file name), start, end (seconds from the
        start of the clip), person (empty: sound only), label, p_CLASS, for each modality present
        in a row MODALITY_label and MODALITY_p_CLASS (that modality alone), and left, top, right,
        bottom (the face's box in pixels).
        """
        import pandas as pd  # lazy: keeps start-up fast

        modalities = self.modalities
        return pd.DataFrame([self._record(row, modalities) for row in self.rows])

    def _record(self, row: TimelineRow, modalities: list[str]) -> dict[str, Any]:
        box = row.box[:4] if row.box is not None else (None,) * 4
        record: dict[str, Any] = {
            "file": readable(str(self.file)),
            **({"clip": self.title} if self.title not in ("", self.file.name) else {}),
            "start": round(row.window.start, 4),
            "end": round(row.window.end, 4),
            "person": "" if row.person is None else str(row.person),
            **self._named("", row.scores),
        }
        for name in modalities:
            if name in row.alone:
                record |= self._named(f"{name}_", row.alone[name])
        return record | dict(zip(("left", "top", "right", "bottom"), box, strict=True))

    def _named(self, prefix: str, scores: list[float]) -> dict[str, Any]:
        best = self.classes[max(range(len(scores)), key=scores.__getitem__)]
        values = {f"{prefix}p_{c}": p for c, p in zip(self.classes, scores, strict=True)}
        return {f"{prefix}label": best, **values}


def _mean(scores: list[list[float]]) -> list[float]:
    return [sum(column) / len(scores) for column in zip(*scores, strict=True)]
