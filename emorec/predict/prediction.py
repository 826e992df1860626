"""Predictions for a recording, as plain values: classes, or values over time."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from emorec.evaluation.traces import Trace
from emorec.system.files import readable
from emorec.system.findings import Finding, in_words
from emorec.types import Array, Window

if TYPE_CHECKING:
    import pandas as pd

SUMMARY = ("mean", "deviation", "minimum", "maximum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction(ABC):
    """The prediction for one recording; one of the two forms below.

    Attributes:
        file: The file.
        modalities: Modality -> number of windows in which it is present.
        findings: What was unusual about the file.
        title: Its name in figures: the file's name, or the id of the clip.
    """

    file: Path
    modalities: dict[str, int]
    findings: list[Finding] = field(default_factory=list)
    title: str = ""

    @property
    def warnings(self) -> list[str]:
        """The findings as text."""
        return [in_words(each) for each in self.findings]

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict, without images."""

    @abstractmethod
    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row per window, or per step."""

    def _named(self) -> dict[str, str]:
        """Return the first columns of a table: file, and the clip id unless it is the file name."""
        clip = {"clip": self.title} if self.title not in ("", self.file.name) else {}
        return {"file": readable(str(self.file)), **clip}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPrediction(Prediction):
    """The class of a clip, by the vote of its windows.

    Attributes:
        label: The class with the largest probability.
        probabilities: Class -> mean of the windows' probabilities, 0 to 1, at the model's
            temperature.
        windows: The windows with at least one modality, in temporal order, in seconds.
        scores: (windows, classes), each window's probabilities.
        alone: Modality -> class -> mean probability over the windows in which it is present, with
            the other modalities removed; empty if the model uses one modality.
        crops: For each window the image that a face extractor cut, uint8 (H, W, 3), or None;
            empty if the model reads no images.
    """

    label: str
    probabilities: dict[str, float]
    windows: list[Window]
    scores: list[list[float]]
    alone: dict[str, dict[str, float]] = field(default_factory=dict)
    crops: list[Array | None] = field(default_factory=list)

    @override
    def to_dict(self) -> dict[str, Any]:
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

    @override
    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row per window: file, clip, start, end (seconds) and p_CLASS."""
        import pandas as pd  # lazy: keeps start-up fast

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
        dimensions: Names of the dimensions, such as arousal and valence.
        step: Seconds per step; row i of the values belongs to the time i x step.
        values: float64 (steps, dimensions), in the unit of the annotations that the model learned;
            NaN in windows that have no modality.
        alone: Modality -> float64 (steps, dimensions), with the other modalities removed and
            without post-processing, which was fitted for all together; NaN where it is absent.
            Empty if the model uses one modality.
        duration: Duration of the recording in seconds.
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

    @override
    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row per step.

        Columns: file, clip (its id, where that is not the file name), time (seconds from the start
        of the clip), DIMENSION and, if the model uses several modalities, MODALITY_DIMENSION.
        """
        import pandas as pd  # lazy: keeps start-up fast

        table = pd.DataFrame({**self._named(), "time": self.times.round(6)})
        for prefix, values in [("", self.values), *((f"{n}_", v) for n, v in self.alone.items())]:
            for name, column in zip(self.dimensions, values.T, strict=True):
                table[f"{prefix}{name}"] = column.round(6)
        return table

    @override
    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict: mean, deviation, minimum and maximum of each dimension.

        They are None where no value is known. :meth:`to_frame` has the individual values.
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
            statistics = (known.mean(), known.std(), known.min(), known.max())
            found[name] = {m: round(float(x), 6) for m, x in zip(SUMMARY, statistics, strict=True)}
        return found
