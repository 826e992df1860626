"""A user's own clips, listed in a CSV or JSON-lines file."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from typing_extensions import override

from emorec.data.labels import boolean_word, class_index, class_names
from emorec.data.manifest_rows import FORMAT, clip_of, path_of, read_rows, text_of
from emorec.data.module import EmotionDataModule
from emorec.data.preprocessing import name_of_set
from emorec.data.splits.parts import Split, best_split
from emorec.errors import DataError
from emorec.extractors import Extractor
from emorec.types import Array, Classes, Clip, Values
from emorec.windows import SlidingWindows, Windows

BASIC = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")


class Manifest(EmotionDataModule):
    """Clips listed in a file: path, label, and the other columns of :data:`FORMAT`.

    With ``dimensions``, recordings have traces: the target ``affect`` has values over time instead
    of a class, and ``emotion`` is a target only if ``classes`` are given, too.

    Args:
        manifest: CSV (.csv) or JSON lines (.jsonl, .json): one clip per line.
        extractors: Modality -> extractor.
        classes: Names of the classes; the six basic emotions by default. Numbers are names too;
            what YAML reads as true and false becomes ``yes`` and ``no``, and so do the labels
            true, on, false and off.
        root: Folder that paths are relative to; None: the manifest's own.
        dimensions: Columns of the traces, such as ``[arousal, valence]``; None: no traces.
        step: Seconds per step of the traces; the model has to predict as many values.
        delay: Seconds by which annotators lag behind what they see and hear; training shifts the
            traces by it, and predictions are shifted back.
        split: See the base class; ``auto``: ``official`` if each clip has a part of its own
            (column ``split``), else ``subject_independent`` if there are at least three speakers
            and each clip has one (column ``group``), else ``random_clip``.
        windows: Where clips are cut; None: with dimensions contiguous 6 s, otherwise see the base
            class.
        options: Options of the base class.

    Raises:
        DataError: Options contradict each other.
    """

    layout = FORMAT
    needs_root = False  # paths may be absolute, and a message names the manifest

    def __init__(
        self,
        manifest: Path,
        extractors: dict[str, Extractor],
        classes: list[str | int | bool] | None = None,
        root: Path | None = None,
        dimensions: list[str] | None = None,
        step: float = 0.04,
        delay: float = 0.0,
        split: Split | Literal["auto"] = "auto",
        windows: Windows | None = None,
        **options: Any,
    ) -> None:
        manifest = Path(manifest).expanduser()
        self.targets = {}
        if classes or dimensions is None:
            self.targets["emotion"] = Classes(class_names(classes or BASIC))
            self._booleans = any(isinstance(name, bool) for name in classes or ())
        if dimensions is not None:
            _check(dimensions, step, delay, windows)
            self.targets["affect"] = Values(list(dimensions), step, delay)
        cut = windows or (None if dimensions is None else _windows(step))
        known: Split = "random_clip" if split == "auto" else split
        super().__init__(root or manifest.parent, extractors, cut, split=known, **options)
        self.manifest, self._auto = manifest, split == "auto"
        self.save_hyperparameters(logger=False)

    @override
    @property
    def set_name(self) -> str:
        """The manifest's name and a digest of its folder: two sets never share a cache."""
        return name_of_set(self.manifest.stem, root=self.root)

    @override
    def clips(self) -> list[Clip]:
        """Return one clip per line."""
        columns = {"emotion": "label", "affect": "trace"}
        required = {"path", *(columns[target] for target in self.targets)}
        clips = []
        for number, row in enumerate(read_rows(self.manifest, required), start=1):
            where = f"{self.manifest}, clip {number}"
            clip = clip_of(row, where, self.root)
            labels, traces = self._labels(row, where)
            clips.append(replace(clip, labels=labels, sidecars={**clip.sidecars, **traces}))
        return clips

    @override
    def checked_clips(self) -> list[Clip]:
        clips = super().checked_clips()
        if self._auto:
            self.split = best_split([c for c in clips if c.id not in self.unlabelled_ids])
        return clips

    @override
    def read_trace(self, clip: Clip, target: str) -> Array:
        """Return the clip's part of the file's trace."""
        trace = super().read_trace(clip, target)
        if clip.span is None:
            return trace
        form = self.values[target]
        first, last = (round(time / form.step) for time in clip.span)
        if first >= len(trace):
            raise DataError(
                f"trace {clip.sidecars[target]} ends before the clip begins, at {clip.span[0]:g} s "
                "of the media file; its times count from the start of the file, not of the clip"
            )
        # The end of the clip is annotated only after the delay.
        return trace[first : last + form.delay_steps]

    def _labels(
        self, row: dict[str, Any], where: str
    ) -> tuple[dict[str, int | tuple[float, ...]], dict[str, Path]]:
        """Return the labels of a row, and the file of its trace."""
        labels: dict[str, int | tuple[float, ...]] = {}
        traces: dict[str, Path] = {}
        label, trace = text_of(row, "label"), text_of(row, "trace")
        if "emotion" in self.targets and label:
            name = boolean_word(label) if self._booleans else label
            labels["emotion"] = class_index(name, self.targets["emotion"].names, where)
        if "affect" in self.targets and trace:
            labels["affect"], traces["affect"] = (), path_of(trace, self.root)
        return labels, traces


def _check(dimensions: list[str], step: float, delay: float, windows: Windows | None) -> None:
    if not dimensions or len({*dimensions, "time"}) <= len(dimensions) or not all(dimensions):
        raise DataError(
            f"dimensions are {dimensions}; expected distinct names of columns of the traces, none "
            "of them time, such as [arousal, valence]"
        )
    if step <= 0 or delay < 0:
        raise DataError(
            f"step must be above 0 and delay at least 0 seconds, got {step} and {delay}"
        )
    theirs = getattr(windows, "step", step)
    if abs(theirs - step) > 1e-9:
        raise DataError(
            f"data.step is {step:g} s and data.windows.step {theirs:g} s; a trace has one step: "
            "give both the same"
        )


def _windows(step: float) -> Windows:
    try:
        return SlidingWindows(step=step)
    except ValueError as error:
        raise DataError(
            f"windows of 6 s are not a whole number of steps of {step:g} s; name others with "
            "data.windows (SlidingWindows with length, hop and step)"
        ) from error
