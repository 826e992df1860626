"""Segments that ``emorec generate`` wrote, mixed into the training clips."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_info
from numpy.typing import NDArray
from torch.utils.data import Dataset

from emorec.cache import Entry
from emorec.data.segments import SegmentDataset
from emorec.errors import DataError
from emorec.extractors import Extractor
from emorec.system.described import described
from emorec.system.files import beside
from emorec.types import Array, Classes, Clip, EmotionData, SegmentBatch

CARD, LABELS = "generated.json", "label.npy"  # in the folder, beside MODALITY.npy


@dataclass
class Generated:
    """Generated segments that join the training segments, and nothing else.

    They are in no statistics, class counts, validation or test.

    Attributes:
        folder: What ``emorec generate --out`` wrote.
        per_class: Segments of each class; None: all that are there.
        balance: Instead, as many of each class as it lacks to the largest, counting labelled
            training segments.
    """

    folder: Path
    per_class: int | None = None
    balance: bool = False


class WithGenerated(Dataset[SegmentBatch]):
    """Training segments, and after them generated ones, each a clip of one window.

    Args:
        real: The training segments.
        first: Position of the first generated clip in the data module's list.
        arrays: Modality -> (N, *shape).
        label: int64 (N,), classes.
        target: The target that they are of.

    Attributes:
        items: As of :class:`SegmentDataset`.
        labels: As of :class:`SegmentDataset`.
        targets: As of :class:`SegmentDataset`.
    """

    def __init__(
        self,
        real: SegmentDataset,
        first: int,
        arrays: Mapping[str, Array],
        label: NDArray[np.int64],
        target: str,
    ) -> None:
        self.real, self.arrays, self.label, self.target = real, dict(arrays), label, target
        self.first, self.targets = first, real.targets
        self.contexts = real.contexts
        self.items = [*real.items, *((first + i, 0) for i in range(len(label)))]
        own = {first + i: {target: int(c)} for i, c in enumerate(label)}
        self.labels: dict[int, Any] = {**real.labels, **own}

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, item: int | list[int]) -> SegmentBatch:
        return self.__getitems__([item] if isinstance(item, int) else item)

    def __getitems__(self, indices: Sequence[int]) -> SegmentBatch:
        """Return segments as one batch; a position may be a filler, as in the real ones."""
        count = len(self.real)
        own = [i for i, item in enumerate(indices) if item >= count]
        # Where a generated one goes, a filler first, which has all shapes.
        batch = self.real.__getitems__([-1 if item >= count else item for item in indices])
        if not own:
            return batch
        rows = np.array([indices[i] - count for i in own])
        at = torch.tensor(own)
        for name, array in self.arrays.items():
            batch.inputs[name][at] = torch.from_numpy(array[rows]).to(batch.inputs[name].dtype)
            batch.present[name][at] = True
        batch.targets[self.target][at] = torch.from_numpy(self.label[rows])
        batch.labelled[self.target][at] = True
        batch.clip[at], batch.index[at] = torch.from_numpy(rows + self.first), 0
        return batch


def content_of(entry: Entry) -> str:
    """Return a digest of what a clip's segments were cut from, 32 hex digits."""
    what = entry.digest or entry.path, entry.span, sorted(entry.sidecars.items())
    return blake2b(repr(what).encode(), digest_size=16).hexdigest()


def with_generated(
    options: Generated, data: EmotionData, real: SegmentDataset
) -> tuple[WithGenerated, list[Clip]]:
    """Return the training segments with generated ones, and the clips of these, to be listed last.

    Args:
        options: Which, and how many.
        data: The data module, after its clips are split.
        real: Its training segments.

    Raises:
        DataError: The folder does not fit the data, what made it has seen a clip that is
            validated or tested on, or options exclude each other.
    """
    if options.balance and options.per_class is not None:
        raise DataError("data.generated has both per_class and balance: leave one of them out")
    if data.context != "none":
        raise DataError(
            "generated segments are of no dialogue: leave out data.generated or data.context"
        )
    folder = Path(options.folder).expanduser()
    card, arrays, label = read_generated(folder)
    form = data.targets.get(card["target"])
    if not isinstance(form, Classes) or list(form.names) != card["classes"]:
        there = "no classes of that target" if form is None else ", ".join(form.names)
        raise DataError(
            f"{folder} has segments of {', '.join(card['classes'])} ({card['target']}), the data "
            f"has {there}: generate them with a model of this data"
        )
    own = {name: described(each) for name, each in sorted(data.extractors.items())}
    if own != card["extractors"] or data.within != card["within"]:
        raise DataError(
            f"{folder} was generated for other extractors, or another data.within, than the "
            "data's: train the generators with the same data config"
        )
    seen = {*data.contents("val"), *data.contents("test")} & set(card["contents"])
    if seen:
        raise DataError(
            f"what generated {folder} was trained on {len(seen)} clips that are validated or "
            "tested on here: use the same split, fold and seed for both"
        )
    names = list(form.names)
    chosen = _chosen(options, label, _counts(real, card["target"], len(names)), names)
    clips = [
        Clip(f"generated/{names[label[i]]}/{i}", None, {card["target"]: int(label[i])})
        for i in chosen
    ]
    counts = Counter(names[c] for c in label[chosen])
    rank_zero_info(
        f"{len(chosen)} generated segments for training: "
        + ", ".join(f"{name} {counts[name]}" for name in names)
    )
    kept = {name: array[chosen] for name, array in arrays.items()}
    first = len(data.all_clips)
    return WithGenerated(real, first, kept, label[chosen], card["target"]), clips


def write_generated(
    out: Path,
    card: Mapping[str, Any],
    label: NDArray[np.int64],
    extractors: Mapping[str, Extractor],
    parts: Iterable[Mapping[str, Array]],
) -> None:
    """Write a folder of generated segments, whole or not at all; an earlier one is replaced.

    Args:
        out: The folder.
        card: What :func:`with_generated` checks: ``target``, ``classes``, ``extractors``,
            ``within`` and ``contents``; and whatever else is worth knowing.
        label: int64 (N,), the class of each segment.
        extractors: Modality -> extractor, which gives shapes and dtypes.
        parts: The segments in their order, some at once: modality -> float (n, *shape). Values are
            stored within the limits of the dtype, and rounded where that has integers.
    """
    folder = beside(out.absolute())
    folder.mkdir(parents=True)
    try:
        files = {
            name: np.lib.format.open_memmap(
                folder / f"{name}.npy", "w+", np.dtype(each.dtype), (len(label), *each.shape)
            )
            for name, each in extractors.items()
        }
        done = 0
        for part in parts:
            count = len(next(iter(part.values())))
            for name, values in part.items():
                files[name][done : done + count] = _stored(values, files[name].dtype)
            done += count
        for file in files.values():
            file.flush()
        np.save(folder / LABELS, label)
        whole = {"generated": True, **card, "modalities": sorted(extractors)}
        (folder / CARD).write_text(json.dumps(whole, indent=1), encoding="utf-8")
        if out.exists():
            shutil.rmtree(out)
        folder.replace(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stored(values: Array, dtype: Any) -> Array:
    whole = np.issubdtype(dtype, np.integer)
    limits: Any = np.iinfo(dtype) if whole else np.finfo(dtype)
    return np.clip(np.rint(values) if whole else values, limits.min, limits.max).astype(dtype)


def read_generated(folder: Path) -> tuple[dict[str, Any], dict[str, Array], NDArray[np.int64]]:
    """Return a folder's card, its arrays (N, *shape) by modality, and classes (N,).

    Raises:
        DataError: It is not such a folder, or a file of it is damaged.
    """
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        label: NDArray[np.int64] = np.load(folder / LABELS).astype(np.int64)
        arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in card["modalities"]
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{folder} does not hold generated segments ({error}); emorec generate --out writes "
            "such a folder"
        ) from error
    odd = [name for name, array in arrays.items() if len(array) != len(label)]
    if odd or not len(label) or not 0 <= label.min() <= label.max() < len(card["classes"]):
        raise DataError(
            f"{folder}: labels and {odd[0] if odd else 'classes'} do not fit; generate it again"
        )
    return card, arrays, label


def _counts(real: SegmentDataset, target: str, classes: int) -> list[int]:
    """Return the labelled training segments of each class."""
    found = Counter(real.labels[position].get(target) for position, _ in real.items)
    return [found[i] for i in range(classes)]


def _chosen(
    options: Generated, label: NDArray[np.int64], real: Sequence[int], names: Sequence[str]
) -> list[int]:
    """Return positions of the wanted segments.

    Raises:
        DataError: There are fewer.
    """
    chosen: list[int] = []
    for number, name in enumerate(names):
        own = np.flatnonzero(label == number).tolist()
        wanted = len(own) if options.per_class is None else options.per_class
        if options.balance:
            wanted = max(real) - real[number]
        if wanted > len(own):
            raise DataError(
                f"{options.folder} has {len(own)} segments of {name}, and {wanted} are wanted: "
                f"emorec generate --per-class {wanted}"
            )
        chosen += own[:wanted]
    return chosen
