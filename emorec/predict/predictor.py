"""A trained model applied to new recordings, with the windows and extractors of training."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Self

import numpy as np
import torch

from emorec.errors import ModelError
from emorec.evaluation.decision import ClassDecision, TraceDecision
from emorec.extractors import Extractor
from emorec.extractors.statistics import SpeakerStatistics
from emorec.media import MediaError
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
from emorec.types import Array, Classes, Clip, Target
from emorec.windows import GridWindows, Windows

PART = 16  # windows in memory at once
LENGTH = 2.0  # seconds; timeline windows of a model trained on whole clips


class Predictor:
    """Applies a trained model to recordings.

    Args:
        model: The trained model, of classes or of values over time.
        windows: Cuts clips into windows.
        extractors: Modality -> extractor.
        device: Device of the model.
        batch_size: Windows per forward pass; None: as many as fit into memory, at most 256.
        within: What inputs were normalised within in training: ``corpus`` or ``speaker``; for
            the latter see :meth:`for_speaker`.

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
        within: str = "corpus",
    ) -> None:
        self.model = model.to(device).eval()
        self.model.memo = None  # of training; its clips are others
        self.windows, self.extractors, self.device = windows, extractors, device
        self.within = within
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
            path: The checkpoint, such as ``runs/demo/checkpoints/best.ckpt``.
            device: ``auto`` (a GPU if available), ``cpu``, ``cuda``, ``cuda:1``, ...
            batch_size: See the class.
            trust: Also import classes from neither emorec nor an installed plug-in.

        Raises:
            CheckpointError: It cannot be loaded, or names foreign classes and is not trusted.
        """
        return cls.from_saved(load_model(Path(path), trust=trust), device, batch_size)

    @classmethod
    def from_saved(cls, saved: Saved, device: str = "auto", batch_size: int | None = None) -> Self:
        """Return the predictor for a loaded model; see :meth:`from_checkpoint`."""
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(saved.model, saved.windows, saved.extractors, device, batch_size, saved.within)

    @property
    def target(self) -> Target:
        """What is predicted."""
        return self.model.target

    @property
    def shown(self) -> dict[str, Extractor]:
        """Modality -> extractor, for the modalities that the model reads."""
        return {name: self.extractors[name] for name in self.model.modalities}

    def measure(self, named: Iterable[str | Path | Clip]) -> SpeakerStatistics:
        """Measure a speaker's inputs, for :meth:`for_speaker`; unreadable files are left out.

        Args:
            named: Recordings of one speaker; see :meth:`predict`. Labels are not needed.
        """
        fitted = {n: each for n, each in self.shown.items() if each.constants() is None}
        return SpeakerStatistics.measured(
            (self._arrays(one, fitted) for one in named),
            {name: each.pooled_axes for name, each in fitted.items()},
        )

    def _arrays(
        self, named: str | Path | Clip, extractors: Mapping[str, Extractor]
    ) -> dict[str, tuple[Array, list[bool]]]:
        """Return modality -> its windows, all present; lacks what is not there."""
        found: dict[str, tuple[Array, list[bool]]] = {}
        try:
            recording = open_recording(named, self.shown)
            spans, _ = self.windows.cut(recording.clip.id, recording.media)
        except MediaError:  # predicting it gives the reason
            return found
        for name, extractor in extractors.items():
            try:
                arrays = extractor.extract(recording.clip, recording.of(name), spans).arrays
            except MediaError:
                continue
            if present := [array for array in arrays if array is not None]:
                found[name] = np.stack(present), [True] * len(present)
        return found

    def for_speaker(self, statistics: SpeakerStatistics | None) -> None:
        """Normalise what follows within a speaker; None: as the training clips.

        Args:
            statistics: From :meth:`measure`, of at least two recordings.

        Raises:
            ModelError: The model was not trained so, or they are of other extractors.
        """
        if statistics is None:
            self.run.changes = {}
            return
        if self.within != "speaker":
            raise ModelError("this model was not trained with data.within: speaker")
        corpus = {
            name: self.model.moments(name)
            for name, each in self.shown.items()
            if each.constants() is None
        }
        for name, (mean, _) in statistics.moments.items():
            if name in corpus and corpus[name][0].shape not in (mean.shape, (1,)):
                raise ModelError(
                    f"the speaker's statistics of {name} have shape {mean.shape}, expected "
                    f"{corpus[name][0].shape}: another model's extractor measured them"
                )
        self.run.changes = statistics.onto(corpus)

    def _unknown(self) -> list[Finding]:
        """Return what the model knew in training and does not here: speaker, dialogue."""
        found = []
        if self.within != "corpus" and not self.run.changes:
            found.append(Finding(FindingKind.NO_SPEAKER))
        if any(bool(getattr(m, "saw_context", False)) for m in self.model.fusion.modules()):
            found.append(Finding(FindingKind.NO_DIALOGUE))
        return found

    def need_classes(self, what: str) -> Classes:
        """Return the target of a model of classes.

        Args:
            what: The caller that needs classes, for the error message.

        Raises:
            ModelError: The model predicts values over time.
        """
        target = self.target
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
        """Return the prediction for a recording.

        A model of classes gives a :class:`~emorec.predict.ClassPrediction`: the vote of windows
        that are cut and extracted as in training. The clip's id is its file name, so a file that
        was tested under that id gets the windows it was tested with. If several faces are visible,
        the extractor's option selects one. A model of values over time gives a
        :class:`~emorec.predict.TracePrediction`: the trace, computed as in testing.

        Args:
            named: A file; or a clip, if the model also reads a transcript or stored features, or
                if sound and video are in separate files.
            progress: Called with the number of windows done and in total; once for a vote, whose
                windows are few.

        Raises:
            MediaError: The file cannot be read, or no window has a usable face or sound.
        """
        recording = open_recording(named, self.shown)
        spans, more = self.windows.cut(recording.clip.id, recording.media)
        findings = list(dict.fromkeys([*recording.findings, *more, *self._unknown()]))
        decision = self.model.decision
        if isinstance(decision, TraceDecision):
            return predict_trace(self.run, decision, recording, spans, findings, progress)
        assert isinstance(decision, ClassDecision)
        found = predict_class(self.run, decision, recording, spans, findings)
        if progress is not None:
            progress(len(spans), len(spans))
        return found

    def vote(self, named: str | Path | Clip) -> ClassPrediction:
        """Return the prediction of a model of classes; see :meth:`predict`.

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
        """Return the prediction of a model of values over time; see :meth:`predict`.

        Raises:
            ModelError: The model predicts classes.
            MediaError: See :meth:`predict`.
        """
        target = self.target
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
        """Return the predictions of a model of classes window by window, for each tracked face.

        Windows are as long as in training (if it was trained on whole clips 2 s, or the whole of a
        shorter recording), on a regular grid over the whole recording. All people in view share the
        sound, as the speaker is not known. The file is read once, and memory grows with its length
        only by the returned numbers.

        Args:
            named: The recording; see :meth:`predict`.
            hop: Seconds between the starts of consecutive windows.
            progress: Called with the number of windows done and in total.

        Raises:
            ModelError: The model predicts values over time: its trace is the timeline.
            MediaError: The file cannot be read, or no window has a usable face or sound.
        """
        classes = self.need_classes("a timeline")
        recording = open_recording(named, self.shown)
        clip, media = recording.clip, recording.media
        length = self.windows.length
        if length is None and media.duration <= LENGTH:
            spans, more = self.windows.cut(clip.id, media)  # as in training: the whole of it
        else:
            spans, more = GridWindows(length or LENGTH, hop).cut(clip.id, media)
            if length is None:
                more.append(Finding(FindingKind.WHOLE_CLIPS, detail=f"{LENGTH:g}"))
        findings = list(dict.fromkeys([*recording.findings, *more, *self._unknown()]))
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
            new = (each for one in found.values() for each in one.findings)
            findings += [each for each in new if each not in findings]
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
