"""A trained model on new recordings: the same windows and extractors as in training."""

from collections.abc import Callable
from pathlib import Path
from typing import Self

import torch

from emorec.errors import ModelError
from emorec.evaluation.decision import ClassDecision, TraceDecision
from emorec.extractors import Extractor
from emorec.model import EmotionModel
from emorec.predict.checkpoint import Saved, load_model
from emorec.predict.classes import predict_class
from emorec.predict.faces import FaceStrip, has_pictures
from emorec.predict.prediction import ClassPrediction, Prediction, TracePrediction
from emorec.predict.recording import nothing_usable, open_recording
from emorec.predict.rows import absent, timeline_rows
from emorec.predict.scoring import WindowRunner
from emorec.predict.timeline import Timeline, TimelineRow
from emorec.predict.traces import predict_trace
from emorec.system.findings import Finding, FindingKind
from emorec.types import Classes, Clip
from emorec.windows import GridWindows, Windows

PART = 16  # windows that are in memory at once
LENGTH = 2.0  # seconds a window of the timeline, of a model that learned from whole clips


class Predictor:
    """Applies a trained model to recordings.

    Args:
        model: The trained model: of classes, or of values over time.
        windows: Where clips are cut.
        extractors: Modality -> extractor.
        device: Where the model runs.
        batch_size: Windows a forward pass; None: as many as fit into memory, at most 256.

    Example::

        predictor = Predictor.from_checkpoint("runs/demo/checkpoints/best.ckpt")
        predictor.predict("clip.mp4").label
    """

    def __init__(
        self,
        model: EmotionModel,
        windows: Windows,
        extractors: dict[str, Extractor],
        device: str = "cpu",
        batch_size: int | None = None,
    ) -> None:
        self.model = model.to(device).eval()
        self.windows, self.extractors, self.device = windows, extractors, device
        self.run = WindowRunner(self.model, extractors, device, batch_size)

    @classmethod
    def from_checkpoint(
        cls,
        path: str | Path,
        device: str = "auto",
        batch_size: int | None = None,
        *,
        trust: bool = False,
    ) -> Self:
        """Load a checkpoint of ``emorec fit``.

        Args:
            path: Such as ``runs/demo/checkpoints/best.ckpt``.
            device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda``, ``cuda:1``, ...
            batch_size: See the class.
            trust: Also import classes that are of no installed plug-in.

        Raises:
            CheckpointError: It cannot be read, or names foreign classes and is not trusted.
        """
        return cls.from_saved(load_model(Path(path), trust=trust), device, batch_size)

    @classmethod
    def from_saved(cls, saved: Saved, device: str = "auto", batch_size: int | None = None) -> Self:
        """Return the predictor of a model that was read; see :meth:`from_checkpoint`."""
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(saved.model, saved.windows, saved.extractors, device, batch_size)

    @property
    def shown(self) -> dict[str, Extractor]:
        """Modality -> extractor, of those that the model sees."""
        return {name: self.extractors[name] for name in self.model.modalities}

    def need_classes(self, what: str) -> Classes:
        """Return the model's target, of a model of classes.

        Args:
            what: What needs them, for the message.

        Raises:
            ModelError: It predicts values over time.
        """
        target = self.model.target
        if isinstance(target, Classes):
            return target
        raise ModelError(
            f"{what} needs a model of classes; this one predicts values over time "
            f"({', '.join(target.names)}): emorec predict writes each recording's trace, "
            "Predictor.predict returns it in Python"
        )

    def predict(
        self, named: str | Path | Clip, progress: Callable[[int, int], None] | None = None
    ) -> Prediction:
        """Return what the model says of a recording.

        Of classes it is a :class:`~emorec.predict.ClassPrediction`: the vote of windows that are
        cut and extracted as in training. The clip's id is its file name: a file that was tested
        under that id gets the windows it was tested with. Where several faces are seen, the
        extractor's option says whose counts. Of values over time it is a
        :class:`~emorec.predict.TracePrediction`: the trace, as testing makes it.

        Args:
            named: A file; or a clip, where the model also reads a transcript or stored features,
                or where sound and picture are in files of their own.
            progress: Called with the number of windows that are done and of all; of a vote, whose
                windows are few, once.

        Raises:
            MediaError: The file cannot be read, or no window has a face or sound to go by.
        """
        recording = open_recording(named, self.shown)
        spans, more = self.windows.cut(recording.clip.id, recording.media)
        findings = list(dict.fromkeys([*recording.findings, *more]))
        decision = self.model.decision
        if isinstance(decision, TraceDecision):
            return predict_trace(self.run, decision, recording, spans, findings, progress)
        assert isinstance(decision, ClassDecision)
        found = predict_class(self.run, decision, recording, spans, findings)
        if progress is not None:
            progress(len(spans), len(spans))
        return found

    def vote(self, named: str | Path | Clip) -> ClassPrediction:
        """Return what a model of classes says; see :meth:`predict`.

        Raises:
            ModelError: The model predicts values over time.
            MediaError: See :meth:`predict`.
        """
        self.need_classes("a vote")
        found = self.predict(named)
        assert isinstance(found, ClassPrediction)
        return found

    def trace(
        self, named: str | Path | Clip, progress: Callable[[int, int], None] | None = None
    ) -> TracePrediction:
        """Return what a model of values over time says; see :meth:`predict`.

        Raises:
            ModelError: The model predicts classes.
            MediaError: See :meth:`predict`.
        """
        target = self.model.target
        if isinstance(target, Classes):
            raise ModelError(
                f"a trace needs a model of values over time; this one predicts classes "
                f"({', '.join(target.names)}): use Predictor.vote"
            )
        found = self.predict(named, progress)
        assert isinstance(found, TracePrediction)
        return found

    def timeline(
        self,
        named: str | Path | Clip,
        hop: float = 0.5,
        progress: Callable[[int, int], None] | None = None,
    ) -> Timeline:
        """Return what a model of classes says window after window, for each face it can follow.

        Windows are as long as in training (2 s where it saw whole clips), on a regular grid over
        the whole recording. All people in the picture share the sound: whose voice it is, is not
        known. The file is read once and memory does not grow with its length, except for the
        numbers that are returned.

        Args:
            named: The recording; see :meth:`predict`.
            hop: Seconds from one window's start to the next one's.
            progress: Called with the number of windows that are done and of all.

        Raises:
            ModelError: The model predicts values over time, whose trace is the timeline.
            MediaError: The file cannot be read, or no window has a face or sound to go by.
        """
        classes = self.need_classes("a timeline")
        recording = open_recording(named, self.shown)
        clip, media = recording.clip, recording.media
        length = self.windows.length
        spans, more = GridWindows(length or LENGTH, hop).cut(clip.id, media)
        if length is None:
            more.append(Finding(FindingKind.WHOLE_CLIPS, detail=f"{LENGTH:g}"))
        findings = list(dict.fromkeys([*recording.findings, *more]))
        parts = [spans[start : start + PART] for start in range(0, len(spans), PART)]
        streams = {
            name: extractor.stream(clip, recording.of(name), parts)
            for name, extractor in self.shown.items()
        }
        rows: list[TimelineRow] = []
        faces, done = FaceStrip(), 0
        for part in parts:
            found = {name: next(stream) for name, stream in streams.items()}
            rows += timeline_rows(self.run, part, found)
            for name in (n for n, extractor in self.shown.items() if has_pictures(extractor)):
                faces.add(part, found[name])
            odd = (each for one in found.values() for each in one.findings)
            findings += [each for each in odd if each not in findings]
            done += len(part)
            if progress is not None:
                progress(done, len(spans))
        findings += absent(rows, len(spans), list(self.shown))
        if not rows:
            raise nothing_usable(findings)
        return Timeline(
            recording.file,
            media.duration,
            list(classes.names),
            rows,
            media.video is not None,
            findings,
            faces.kept,
            recording.title,
        )


def load_predictor(
    path: str | Path, device: str = "auto", batch_size: int | None = None, *, trust: bool = False
) -> Predictor:
    """Load a checkpoint of ``emorec fit``; see :meth:`Predictor.from_checkpoint`."""
    return Predictor.from_checkpoint(path, device, batch_size, trust=trust)
