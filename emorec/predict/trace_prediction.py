"""What a model of values over time says of a recording."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emorec.evaluation.traces import Values
from emorec.system.files import readable

if TYPE_CHECKING:
    import pandas as pd

MEASURES = ("mean", "deviation", "minimum", "maximum")


@dataclass(frozen=True, slots=True)
class TracePrediction:
    """The trace of a recording: values step by step from its start to its end.

    Attributes:
        file: The file.
        dimensions: Their names, such as arousal and valence.
        step: Seconds a step; row i of the values belongs to the time i x step.
        values: float64 (steps, dimensions), in the unit of the annotations that the model learned;
            NaN where nothing is known: in windows that have no modality.
        alone: Modality -> float64 (steps, dimensions), with the other modalities taken away and
            without the post-processing, which was fitted for all together; NaN where it is absent.
            Empty where the model uses one modality.
        modalities: Modality -> number of windows that have it.
        duration: Seconds.
        warnings: What was odd about the file.
        title: What pictures call it: the file's name, or the id of the clip.
        processed: Whether post-processing changed the values.
    """

    file: Path
    dimensions: list[str]
    step: float
    values: Values
    alone: dict[str, Values] = field(default_factory=dict)
    modalities: dict[str, int] = field(default_factory=dict)
    duration: float = 0.0
    warnings: list[str] = field(default_factory=list)
    title: str = ""
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

        clip = {"clip": self.title} if self.title not in ("", self.file.name) else {}
        table = pd.DataFrame(
            {"file": readable(str(self.file)), **clip, "time": self.times.round(6)}
        )
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

    def _summary(self, values: Values) -> dict[str, dict[str, float | None]]:
        found: dict[str, dict[str, float | None]] = {}
        for name, column in zip(self.dimensions, values.T, strict=True):
            known = column[~np.isnan(column)]
            if not len(known):
                found[name] = dict.fromkeys(MEASURES)
                continue
            of = (known.mean(), known.std(), known.min(), known.max())
            found[name] = {m: round(float(x), 6) for m, x in zip(MEASURES, of, strict=True)}
        return found
