"""Types shared by all of emorec; they need only the standard library, numpy and torch."""

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
    """What is predicted: :class:`Classes` or :class:`Values`.

    Attributes:
        names: Names of the classes or dimensions, in the order of the model's outputs.
    """

    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.names)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, as stored in checkpoints."""
        return {**asdict(self), "names": list(self.names)}

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> "Target":
        """Return the target that :meth:`to_dict` was called on.

        Raises:
            TypeError: ``plain`` is not a mapping.
        """
        if not isinstance(plain, Mapping):
            raise TypeError(f"expected Classes(names) or Values(names, step), got {plain!r}")
        names = list(plain["names"])
        if "step" not in plain:
            return Classes(names)
        return Values(names, float(plain["step"]), float(plain["delay"]))


@dataclass(frozen=True, slots=True)
class Classes(Target):
    """One class per clip, such as an emotion."""


@dataclass(frozen=True, slots=True)
class Values(Target):
    """Values over time in one or more dimensions, such as arousal.

    Attributes:
        names: Names of the dimensions.
        step: Seconds from one value to the next.
        delay: Seconds by which the annotations lag behind sound and picture.
    """

    step: float = 0.04
    delay: float = 0.0

    @property
    def delay_steps(self) -> int:
        """The delay in steps."""
        return round(self.delay / self.step)


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of a data set: a recording of one person and its metadata.

    Attributes:
        id: Unique in its data set and stable across machines.
        media: Media file, relative to the root of the data set (an absolute path is legal); None
            if the clip has sidecars only.
        labels: Target -> class index, or an empty tuple for a target with values, which change
            over time and are in the sidecar of its name. A target missing here is unlabelled: the
            clip still takes part in losses that need no label.
        group: Speaker or session, which a speaker-disjoint split must not divide.
        split: Official part (``train``, ``val`` or ``test``), if the data set has one.
        dialogue: Conversation that the clip is an utterance of, for fusions that look at the whole
            of it; empty: by itself.
        text: Spoken sentence, or the number of one that several clips share.
        span: Part of the media file that is this clip, in seconds from its origin; None: all of it.
        traits: Traits of the person, such as ``sex`` and ``age``; results are also broken down by
            them, training does not see them.
        sidecars: Name -> further file of the clip, such as a transcript, features or a trace; one
            named after a modality and not an extractor's input holds its sound or picture.
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
    dialogue: str = ""

    @property
    def file(self) -> Path:
        """File shown in reports: the media file, or the first sidecar by name.

        Raises:
            ValueError: The clip has no file.
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
    r"""B segments as tensors: input of the encoders, with the targets of the objectives.

    Attributes:
        inputs: Modality -> (B, ...) as extracted; zeros in rows where it is absent.
        present: Modality -> bool (B,).
        targets: Target -> int64 (B,), zero where unlabelled, or float32 (B, T, O), NaN where
            unknown.
        labelled: Target -> bool (B,).
        clip: int64 (B,), position of the clip in the data module's list; -1 in a filler, a row
            without modality and label that gives all ranks the same number of steps.
        index: int64 (B,), window of the clip; -1 in a filler.
        context: int64 (B,), the same number in rows that a fusion may relate, such as the
            utterances of a dialogue; None: each row is by itself.
    """

    inputs: dict[str, Tensor]
    present: dict[str, Tensor]
    targets: dict[str, Tensor]
    labelled: dict[str, Tensor]
    clip: Tensor
    index: Tensor
    context: Tensor | None = None

    def __len__(self) -> int:
        return len(self.clip)

    def _map(self, function: Any) -> "SegmentBatch":
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, value in values.items():
            if isinstance(value, dict):
                values[name] = {key: function(tensor) for key, tensor in value.items()}
            elif value is not None:
                values[name] = function(value)
        return SegmentBatch(**values)

    def classes(self, target: str) -> Tensor:
        """Return a target's classes, int64 (B,); -1 where unlabelled."""
        return self.targets[target].masked_fill(~self.labelled[target], -1)

    def rows(self, which: slice) -> "SegmentBatch":
        """Return a slice of the segments."""
        return self._map(lambda t: t[which])

    def of(self, which: Tensor) -> "SegmentBatch":
        """Return the segments at positions, int64 (n,), in their order."""
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
        features: Modality, ``fused`` and, with a label encoder, ``label`` -> (B, \*T, D). Rows
            of an absent modality are zero.
        present: Masks of the batch, bool (B,): each modality; ``fused`` (any modality is present);
            ``label`` (the row is labelled).
        output: (B, \*T, O): logits or values, before any link function.
        inputs: Active modality -> (B, ...), the standardised input of its encoder; zeros where it
            is absent.
        context: That of the batch.
    """

    features: dict[str, Tensor]
    present: dict[str, Tensor]
    output: Tensor
    inputs: dict[str, Tensor] = field(default_factory=dict)
    context: Tensor | None = None


class Sizes(NamedTuple):
    """Dimensions that fusions, objectives and label encoders are built from.

    Attributes:
        features: Modality -> feature dimension; objectives also get ``fused``, ``label`` and the
            encoders' sides.
        outputs: Target -> number of classes or dimensions.
        sides: Which of the features are sides of an encoder: maps that only objectives see that
            name them.
    """

    features: dict[str, int]
    outputs: dict[str, int]
    sides: frozenset[str] = frozenset()


class DataPart(Protocol):
    """Segments of the training, validation or test clips, as seen by models and callbacks.

    Attributes:
        ids: Position of a clip in the data module's list -> its id.
        labels: Position of a clip -> its labels.
        present: Position of a clip -> modality -> whether each window has it.
        items: (position of the clip, number of the window) of each segment.
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
        """Return the segments at these positions of :attr:`items` as one batch."""

    def array(self, clip_id: str, modality: str) -> Array:
        """Return a clip's array (windows, ...); zeros where the modality is absent."""


class EmotionData(Protocol):
    """What models and callbacks use of a data module; see ``emorec.data.EmotionDataModule``.

    Attributes:
        batches_of_epoch: Returns the number of batches of the next training epoch; None: as many
            as the segments fill.
        targets: Name -> target.
        windows: Where clips are cut.
        extractors: Modality -> its extractor.
        all_clips: The clips; ``SegmentBatch.clip`` is a position in them.
        part_of_clip: Id of a clip -> ``train``, ``val`` or ``test``.
        traces: Target with values -> position of a clip -> float32 (steps, dimensions).
        parts: ``train``, ``val`` and ``test`` -> their segments.
        select_on_test: Whether the best epoch is chosen on test clips; all results report it.
        within: What inputs are normalised within: ``corpus`` or ``speaker``.
        context: What rows of a batch are related by: ``none`` or ``dialogue``.
        augment: Augments training batches; None: nothing does.
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
    @property
    def within(self) -> str: ...  # noqa: D102
    @property
    def context(self) -> str: ...  # noqa: D102
    @property
    def augment(self) -> Any: ...  # noqa: D102

    def speakers(self) -> Tensor:
        """Return int64 (clips,): the number of each clip's speaker; -1 where unknown."""

    def class_counts(self) -> dict[str, Tensor]:
        """Return target -> int64 (classes,): labelled training clips of each class."""

    def contents(self, part: Any) -> list[str]:
        """Return digests of what the clips of a part were cut from, sorted."""

    def statistics(self) -> dict[str, tuple[Array, Array]]:
        """Return modality -> (mean, standard deviation) for standardising inputs."""

    def starts(self, position: int) -> list[float]:
        """Return the start of each window of the clip at a position, in seconds."""

    def augmented(self, batch: SegmentBatch, modalities: Sequence[str]) -> SegmentBatch:
        """Return a training batch, augmented, of which these modalities are used."""

    def another_view(self, batch: SegmentBatch) -> SegmentBatch:
        """Return the last training batch with a second, independent augmentation."""
