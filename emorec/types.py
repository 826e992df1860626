"""The nouns that every part of emorec shares; standard library, numpy and torch only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Target:
    """What is predicted; one of the two forms, :class:`Classes` or :class:`Values`.

    Attributes:
        names: Of the classes, or of the dimensions, in the order of the model's outputs.
    """

    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.names)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, as checkpoints keep it."""
        return {**asdict(self), "names": list(self.names)}

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> "Target":
        """Return what :meth:`to_dict` was called on.

        Raises:
            TypeError: It is none of that.
        """
        if not isinstance(plain, Mapping):
            raise TypeError(f"expected Classes(names) or Values(names, step), got {plain!r}")
        names = list(plain["names"])
        if "step" not in plain:
            return Classes(names)
        return Values(names, float(plain["step"]), float(plain["delay"]))


@dataclass(frozen=True, slots=True)
class Classes(Target):
    """A clip is of one of several classes, such as emotions."""


@dataclass(frozen=True, slots=True)
class Values(Target):
    """A recording has values over time in each of several dimensions, such as arousal.

    Attributes:
        names: Of the dimensions.
        step: Seconds from one value to the next.
        delay: Seconds by which annotators lag behind what was to be seen and heard.
    """

    step: float = 0.04
    delay: float = 0.0

    @property
    def delay_steps(self) -> int:
        """The delay in steps."""
        return round(self.delay / self.step)


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of a data set: a take of one person, with what is known about it.

    Attributes:
        id: Unique in its set and stable across machines.
        media: Media file, relative to the root of the data set (an absolute path is legal); None
            where all that there is of it is in the sidecars.
        labels: Target -> class index, or, of one with values, an empty tuple: they change over time
            and are in the sidecar of its name. A target that is missing here is unlabelled: the
            clip still takes part in losses that need no label.
        group: Speaker or session: what a speaker-disjoint split must not cut through.
        split: Official part (``train``, ``val`` or ``test``), where the set has one.
        text: What is said: a sentence, or the number of one that several clips share.
        span: The part of the media file that is this clip, in seconds from its origin; None: all
            of it.
        traits: What is known of the person, such as ``sex`` and ``age``: results are also given by
            them; training does not see them.
        sidecars: Name -> further file of the clip, such as a transcript, features or a trace; one
            that has the name of a modality and is no extractor's input holds its sound or picture.
    """

    id: str
    media: Path | None
    labels: Mapping[str, int | tuple[float, ...]] = field(default_factory=dict)
    group: str = ""
    split: str | None = None
    text: str = ""
    span: tuple[float, float] | None = None
    traits: Mapping[str, str] = field(default_factory=dict)
    sidecars: Mapping[str, Path] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """What stands for it in reports: its media file, or the first of its sidecars by name.

        Raises:
            ValueError: It has no file at all.
        """
        if self.media is not None:
            return self.media
        if not self.sidecars:
            raise ValueError(f"clip {self.id!r} has neither a media file nor sidecars")
        return self.sidecars[min(self.sidecars)]


class Window(NamedTuple):
    """A span of a clip, in seconds from the clip's time origin.

    The origin is the earliest first timestamp of the clip's audio and video streams.
    """

    start: float
    end: float

    @property
    def middle(self) -> float:
        """Centre of the window, in seconds: the time of its key frame."""
        return (self.start + self.end) / 2


# Not frozen: Lightning converts batches in place for precisions such as 64-true.
@dataclass(slots=True)
class SegmentBatch:
    r"""B segments as tensors: what an encoder reads and an objective is judged on.

    Attributes:
        inputs: Modality -> (B, ...) as the extractor made it; rows that are absent hold zeros.
        present: Modality -> bool (B,).
        targets: Target -> int64 (B,), zero where unlabelled, or float32 (B, T, O), NaN where
            nothing is known.
        labelled: Target -> bool (B,).
        clip: int64 (B,), the position of the clip in its data module's list; -1 in a filler, a
            row without modality and label that gives all ranks the same number of steps.
        index: int64 (B,), which window of the clip; -1 in a filler.
    """

    inputs: dict[str, Tensor]
    present: dict[str, Tensor]
    targets: dict[str, Tensor]
    labelled: dict[str, Tensor]
    clip: Tensor
    index: Tensor

    def __len__(self) -> int:
        return len(self.clip)

    def _map(self, change: Any) -> "SegmentBatch":
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, value in values.items():
            if isinstance(value, dict):
                values[name] = {key: change(tensor) for key, tensor in value.items()}
            else:
                values[name] = change(value)
        return SegmentBatch(**values)

    def classes(self, target: str) -> Tensor:
        """Return the classes of a target that has classes, int64 (B,); -1 where unlabelled."""
        return self.targets[target].masked_fill(~self.labelled[target], -1)

    def rows(self, which: slice) -> "SegmentBatch":
        """Return some of the segments."""
        return self._map(lambda t: t[which])

    def to(self, *args: Any, **kwargs: Any) -> "SegmentBatch":
        """Move all tensors; Lightning calls this instead of walking the fields."""
        return self._map(lambda t: t.to(*args, **kwargs))

    def pin_memory(self) -> "SegmentBatch":
        """Copy all tensors to page-locked memory; the DataLoader calls this."""
        return self._map(lambda t: t.pin_memory())


@dataclass(frozen=True, slots=True)
class FeatureBundle:
    r"""What the model computed for a batch.

    Attributes:
        features: Modality, ``fused`` and, where labels are read, ``label`` -> (B, \*T, D). Rows
            of an absent modality are zero.
        present: The batch's masks, bool (B,): every modality; ``fused`` (any modality is there);
            ``label`` (the row is labelled).
        output: (B, \*T, O): logits or values, before any link function.
        inputs: Modality that is shown -> (B, ...), standardised, as its encoder read it; zeros
            where it is absent.
    """

    features: dict[str, Tensor]
    present: dict[str, Tensor]
    output: Tensor
    inputs: dict[str, Tensor] = field(default_factory=dict)


class Sizes(NamedTuple):
    """Widths that fusions, objectives and label encoders are built from.

    Attributes:
        features: Modality -> width; ``fused`` and ``label`` are added for objectives.
        outputs: Target -> number of classes or dimensions.
    """

    features: dict[str, int]
    outputs: dict[str, int]


class DataPart(Protocol):
    """The segments of training, validation or test clips, as models and callbacks may see them.

    Attributes:
        ids: Position of a clip in the data module's list -> its id.
        labels: Position of a clip -> its labels.
        present: Position of a clip -> modality -> whether each window has it.
        items: Position of a clip and number of its window, of each segment.
    """

    @property
    def ids(self) -> Mapping[int, str]: ...  # noqa: D102 - see the class
    @property
    def labels(self) -> Mapping[int, Mapping[str, Any]]: ...  # noqa: D102
    @property
    def present(self) -> Mapping[int, Mapping[str, Sequence[bool]]]: ...  # noqa: D102
    @property
    def items(self) -> Sequence[tuple[int, int]]: ...  # noqa: D102

    def __getitems__(self, indices: Sequence[int]) -> SegmentBatch:
        """Return the segments at the given positions of :attr:`items` as one batch."""

    def array(self, clip_id: str, modality: str) -> Array:
        """Return a clip's array (windows, ...); zeros where the modality is absent."""


class EmotionData(Protocol):
    """What models and callbacks may ask of a data module; see ``emorec.data.EmotionDataModule``.

    Attributes:
        batches_of_epoch: Returns the batches of the next training epoch; None: as many as there
            are segments for.
        targets: Name -> target.
        windows: Where clips are cut.
        extractors: Modality -> its extractor.
        all_clips: The clips; ``SegmentBatch.clip`` is a position among them.
        part_of_clip: Id of a clip -> ``train``, ``val`` or ``test``.
        traces: Target with values -> position of a clip -> float32 (steps, dimensions).
        parts: ``train``, ``val`` and ``test`` -> their segments.
        select_on_test: Whether the best epoch is chosen on test clips; all results say so.
    """

    batches_of_epoch: Callable[[], int | None]

    @property
    def targets(self) -> Mapping[str, Target]: ...  # noqa: D102 - see the class
    @property
    def windows(self) -> Any: ...  # noqa: D102
    @property
    def extractors(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def all_clips(self) -> Sequence[Clip]: ...  # noqa: D102
    @property
    def part_of_clip(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def traces(self) -> Mapping[str, Mapping[int, Array]]: ...  # noqa: D102
    @property
    def parts(self) -> Mapping[Any, DataPart]: ...  # noqa: D102
    @property
    def select_on_test(self) -> bool: ...  # noqa: D102

    def speakers(self) -> Tensor:
        """Return int64 (clips,): the number of each clip's speaker; -1 where it is not known."""

    def class_counts(self) -> dict[str, Tensor]:
        """Return target -> int64 (classes,): labelled training clips of each class."""

    def statistics(self) -> dict[str, tuple[Array, Array]]:
        """Return modality -> (mean, deviation) that inputs are standardised with."""

    def starts(self, position: int) -> list[float]:
        """Return when each window of a clip begins, in seconds, by the clip's position."""

    def augmented(self, batch: SegmentBatch, modalities: Sequence[str]) -> SegmentBatch:
        """Return a training batch of which these modalities are shown, augmented."""

    def another_view(self, batch: SegmentBatch) -> SegmentBatch:
        """Return the last training batch, augmented once more."""
