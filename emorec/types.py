"""The nouns that every part of emorec shares; standard library, numpy and torch only."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of a data set: a take of one person, with what is known about it.

    Attributes:
        id: Unique in its set and stable across machines.
        media: Media file, relative to the root of the data set (an absolute path is legal).
        labels: Target name -> class index, or, for one with values, an empty tuple: they change
            over time and are in the sidecar of its name. A target that is missing here is
            unlabelled: the clip still takes part in losses that need no label.
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
    media: Path
    labels: Mapping[str, int | tuple[float, ...]] = field(default_factory=dict)
    group: str = ""
    split: str | None = None
    text: str = ""
    span: tuple[float, float] | None = None
    traits: Mapping[str, str] = field(default_factory=dict)
    sidecars: Mapping[str, Path] = field(default_factory=dict)


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
