"""Test results of a classifier: metrics, table of decisions, confusion matrix, reliability."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from emorec.evaluation.calibration import calibration
from emorec.evaluation.clips import ClipMetrics, Votes, clip_metrics
from emorec.evaluation.decision import ClassDecision
from emorec.evaluation.measures import MEASURES
from emorec.figures.plots import confusion_figure
from emorec.figures.reliability import reliability_figure
from emorec.types import Clip, EmotionData


class Wrong(NamedTuple):
    """A misclassified clip."""

    clip: Clip
    target: str
    predicted: str
    scores: list[float]


@dataclass(frozen=True)
class TestedClasses:
    """Decisions on test clips for one kind of scores.

    Attributes:
        name: Name of the scores: ``fused``, or a modality.
        votes: The decisions.
        raw: The same before temperature scaling.
        decision: The model's decision.
        data: The data module.
        voted: Position of a clip -> what its decision is made of; None: the modalities present.
    """

    __test__ = False  # not a test class, despite its name

    name: str
    votes: Votes
    raw: Votes
    decision: ClassDecision
    data: EmotionData
    voted: Mapping[int, str] | None = None

    @property
    def metrics(self) -> ClipMetrics:
        """The metrics on labelled clips."""
        return clip_metrics(self.votes, len(self.decision.target))

    def results(self) -> dict[str, Any]:
        """Return its entry in ``metrics.json``."""
        classes, metrics = self.decision.target.names, self.metrics
        found = {
            "clips": metrics.clips,
            **metrics.scores,
            "recall": dict(zip(classes, metrics.recall, strict=True)),
            "confusion": metrics.confusion,
        }
        if self.name == "fused":
            found["temperature"] = float(self.decision.temperature)
            for key, votes in (("calibration", self.votes), ("calibration_before", self.raw)):
                values = calibration(votes.scores, self.votes.target)
                found[key] = None if values is None else values._asdict()
        return found

    def scores(self) -> dict[str, float | None]:
        """Return measure name -> value."""
        return self.metrics.scores

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """Yield name and figure: confusion matrix and, for the fused output, reliability."""
        metrics, main = self.metrics, MEASURES[0]
        value = main.shown(metrics.scores[main.name]).strip()
        value = value if metrics.clips else "no labelled clip"
        selected = ", SELECTED ON TEST" if self.data.select_on_test else ""
        title = f"{self.name}: {main.title} {value}, {metrics.clips} clips{selected}"
        classes = list(self.decision.target.names)
        yield "confusion_matrix", confusion_figure(metrics.confusion, classes, title)
        if self.name == "fused" and metrics.clips:
            title = f"{metrics.clips} test clips{selected}"
            temperature = float(self.decision.temperature)
            figure = reliability_figure(self.raw.scores, self.votes.target, temperature, title)
            yield "reliability", figure

    def table(self) -> pd.DataFrame:
        """Return one row per clip.

        Columns: clip (its id), group, target, predicted, p_CLASS, segments, modalities and the
        traits of the speakers (``sex``, ``age``) that are known for at least one clip.
        """
        clips, classes = self.data.all_clips, self.decision.target.names
        traits = sorted({name for p in self.votes.clip.tolist() for name in clips[p].traits})
        columns = ["clip", "group", "target", "predicted", *(f"p_{name}" for name in classes)]
        columns += ["segments", "modalities", *traits]
        rows = []
        for position, scores, target, segments in zip(
            *(values.tolist() for values in self.votes), strict=True
        ):
            clip = clips[position]
            rows.append(
                [
                    clip.id,
                    clip.group,
                    classes[target] if target >= 0 else "",
                    classes[max(range(len(classes)), key=scores.__getitem__)],
                    *(f"{score:.6f}" for score in scores),
                    segments,
                    self._made_of(position),
                    *(clip.traits.get(name, "") for name in traits),
                ]
            )
        return pd.DataFrame(rows, columns=columns)

    def _made_of(self, position: int) -> str:
        if self.voted is not None:
            return self.voted[position]
        present = self.data.parts["test"].present[position]
        return "+".join(name for name, at in sorted(present.items()) if any(at))

    def wrong(self) -> list[Wrong]:
        """Return the labelled clips whose most probable class is not the label."""
        found, classes = [], self.decision.target.names
        for position, scores, target in zip(*(v.tolist() for v in self.votes[:3]), strict=True):
            best = max(range(len(classes)), key=scores.__getitem__)
            if target not in (-1, best):
                clip = self.data.all_clips[position]
                found.append(Wrong(clip, classes[target], classes[best], scores))
        return found
