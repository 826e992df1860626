"""What a model says of a recording, as plain values: of classes, or of values over time."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emorec.evaluation.traces import Trace
from emorec.system.files import readable
from emorec.system.findings import Finding, in_words
from emorec.types import Array, Window

if TYPE_CHECKING:
    import pandas as pd

SUMMARY = ("mean", "deviation", "minimum", "maximum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction(ABC):
    """What the model says of one recording; one of the two forms below.

    Attributes:
        file: The file.
        modalities: Modality -> number of windows that have it.
        findings: What was odd about the file.
        title: What pictures call it: the file's name, or the id of the clip.
    """

    file: Path
    modalities: dict[str, int]
    findings: list[Finding] = field(default_factory=list)
    title: str = ""

    @property
    def warnings(self) -> list[str]:
        """The findings in words."""
        return [in_words(each) for each in self.findings]

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict, without pictures."""

    @abstractmethod
    def to_frame(self) -> "pd.DataFrame":
        """Return a table with a row a window, or a step."""

    def _named(self) -> dict[str, str]:
        """Return the first columns of a table: file, and the id of a clip that is none."""
        clip = {"clip": self.title} if self.title not in ("", self.file.name) else {}
        return {"file": readable(str(self.file)), **clip}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPrediction(Prediction):
    """The class of a clip, by the vote of its windows.

    Attributes:
        label: The class with the largest probability.
        probabilities: Class -> mean of the windows' probabilities, 0 to 1, at the model's
            temperature.
        windows: The windows that had a modality, in order of time, in seconds.
        scores: (windows, classes), each window's probabilities.
        alone: Modality -> class -> mean probability over the windows that have it, with the other
            modalities taken away; empty where the model uses one modality.
        crops: For each window the image that a face extractor cut, uint8 (H, W, 3), or None;
            empty where the model sees no pictures.
    """

    label: str
    probabilities: dict[str, float]
    windows: list[Window]
    scores: list[list[float]]
    alone: dict[str, dict[str, float]] = field(default_factory=dict)
    crops: list[Array | None] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict, without the pictures."""
        classes = list(self.probabilities)
        return {
            "file": str(self.file),
            "label": self.label,
            "probabilities": self.probabilities,
            "alone": self.alone,
            "modalities": self.modalities,
            "warnings": self.warnings,
            "windows": [
                {
                    "start": round(window.start, 4),
                    "end": round(window.end, 4),
                    "probabilities": dict(zip(classes, scores, strict=True)),
                }
                for window, scores in zip(self.windows, self.scores, strict=True)
            ],
        }

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with a row a window: file, clip, start, end (seconds) and p_CLASS."""
        import pandas as pd  # late: the start should be short

        classes = [f"p_{name}" for name in self.probabilities]
        rows = [
            {
                **self._named(),
                "start": round(window.start, 4),
                "end": round(window.end, 4),
                **dict(zip(classes, scores, strict=True)),
            }
            for window, scores in zip(self.windows, self.scores, strict=True)
        ]
        return pd.DataFrame(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class TracePrediction(Prediction):
    """The trace of a recording: values step by step from its start to its end.

    Attributes:
        dimensions: Their names, such as arousal and valence.
        step: Seconds a step; row i of the values belongs to the time i x step.
        values: float64 (steps, dimensions), in the unit of the annotations that the model learned;
            NaN where nothing is known: in windows that have no modality.
        alone: Modality -> float64 (steps, dimensions), with the other modalities taken away and
            without the post-processing, which was fitted for all together; NaN where it is absent.
            Empty where the model uses one modality.
        duration: Seconds.
        processed: Whether post-processing changed the values.
    """

    dimensions: list[str]
    step: float
    values: Trace
    alone: dict[str, Trace] = field(default_factory=dict)
    duration: float = 0.0
    processed: bool = False

    @property
    def times(self) -> NDArray[np.float64]:
        """The time of each step in seconds, float64 (steps,)."""
        return np.arange(len(self.values), dtype=np.float64) * self.step

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with a row a step.

        Columns: file, clip (its id, where it is none of a file's name), time (seconds from the
        start of the clip), DIMENSION, and, where the model uses several modalities,
        MODALITY_DIMENSION.
        """
        import pandas as pd  # late: the start should be short

        table = pd.DataFrame({**self._named(), "time": self.times.round(6)})
        for prefix, values in [("", self.values), *((f"{n}_", v) for n, v in self.alone.items())]:
            for name, column in zip(self.dimensions, values.T, strict=True):
                table[f"{prefix}{name}"] = column.round(6)
        return table

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict: of each dimension mean, deviation, minimum and maximum.

        They are None where no value is known. The single values are those of :meth:`to_frame`.
        """
        return {
            "file": str(self.file),
            "duration": round(self.duration, 3),
            "step": self.step,
            "steps": len(self.values),
            "dimensions": self._summary(self.values),
            "alone": {name: self._summary(values) for name, values in self.alone.items()},
            "modalities": self.modalities,
            "warnings": self.warnings,
        }

    def _summary(self, values: Trace) -> dict[str, dict[str, float | None]]:
        found: dict[str, dict[str, float | None]] = {}
        for name, column in zip(self.dimensions, values.T, strict=True):
            known = column[~np.isnan(column)]
            if not len(known):
                found[name] = dict.fromkeys(SUMMARY)
                continue
            of = (known.mean(), known.std(), known.min(), known.max())
            found[name] = {m: round(float(x), 6) for m, x in zip(SUMMARY, of, strict=True)}
        return found
