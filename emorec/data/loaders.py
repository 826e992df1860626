"""From a data set to batches, on one process or several."""

from collections.abc import Collection, Iterable
from typing import Any, Literal, cast

import torch
from torch.utils.data import DataLoader

from emorec.data.context import ContextSampler, together
from emorec.data.generated import WithGenerated
from emorec.data.sampler import ClipSampler, DealingSampler, HalvesSampler
from emorec.data.segments import SegmentDataset, as_is
from emorec.errors import DataError
from emorec.types import Classes, SegmentBatch

Segments = SegmentDataset | WithGenerated
Sampling = Literal["plain", "half_labelled", "balanced"]


def check_batches(modalities: Collection[str], batch_size: int, workers: int) -> None:
    """Check the modalities, the size of batches and the number of processes.

    Raises:
        DataError: No modality is given, the size is below 1, or the number below 0.
    """
    if not modalities:
        raise DataError("extractors is empty: name at least one modality to read")
    if batch_size < 1 or workers < 0:
        raise DataError(
            f"batch_size is {batch_size} and workers {workers}; expected at least 1 and at least 0"
        )


def make_loader(
    dataset: Segments,
    *,
    batch_size: int,
    workers: int,
    shuffle: bool,
    seed: int,
    sampling: Sampling = "plain",
    batches: int | None = None,
    per_epoch: int | None = None,
) -> DataLoader[SegmentBatch]:
    """Return a loader of this rank's share of the segments.

    Args:
        dataset: The segments.
        batch_size: Segments per batch.
        workers: Processes that load batches.
        shuffle: Whether the order is drawn from (seed, epoch); otherwise it is the data set's.
        seed: Seed of the order.
        sampling: Of shuffled segments: ``plain``; ``half_labelled``: exactly half of each batch are
            labelled; ``balanced``: clips of all classes equally often.
        batches: Full batches per epoch and rank; None: one pass over the segments.
        per_epoch: Segments per clip and epoch, drawn afresh if shuffled; None: all.

    Raises:
        DataError: Batches cannot be half labelled, or not exactly one target has classes; or
            whole dialogues are wanted with another sampling.
    """
    sampler: DealingSampler
    ranks, rank = 1, 0
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        ranks, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
    contexts = dataset.contexts
    if contexts is not None:
        if sampling != "plain" or per_epoch is not None:
            raise DataError(
                "data.context: dialogue deals whole dialogues: it needs data.sampling: plain and "
                "data.windows.fresh: false"
            )
        groups = list(together(contexts, dataset.items).values())
        sampler = ContextSampler(
            groups, ranks, rank, batch_size=batch_size, shuffle=shuffle, seed=seed
        )
    elif not shuffle or (sampling == "plain" and per_epoch is None):
        sampler = DealingSampler(dataset, ranks, rank, shuffle=shuffle, seed=seed)
    elif sampling == "half_labelled":
        if per_epoch is not None:
            raise DataError(
                "data.sampling: half_labelled deals all windows of a clip: it cannot be combined "
                "with data.windows.fresh: true; set one of them back (plain, false)"
            )
        labelled = _labelled(dataset, batch_size)
        sampler = HalvesSampler(range(len(dataset)), ranks, rank, labelled=labelled, seed=seed)
    else:
        clips = _of_clips(dataset)
        classes = _classes(dataset, clips) if sampling == "balanced" else None
        segments = list(clips.values())
        sampler = ClipSampler(segments, ranks, rank, count=per_epoch, classes=classes, seed=seed)
    if batches is not None:
        sampler.draw(batches * batch_size)
    return DataLoader(
        dataset,
        batch_size=batch_size if contexts is None else None,  # the sampler's are whole batches
        sampler=sampler,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=cast("Any", as_is),
        pin_memory=torch.cuda.is_available(),
        # Its own, as the global one is for augmentation: later epochs would draw from it.
        generator=torch.Generator(),
    )


def all_batches() -> int | None:
    """Return None: one pass over the segments per epoch."""
    return None


def _of_clips(dataset: Segments) -> dict[int, list[int]]:
    """Return the segments of each clip: position of the clip -> positions of its segments."""
    found: dict[int, list[int]] = {}
    for item, (position, _) in enumerate(dataset.items):
        found.setdefault(position, []).append(item)
    return found


def _classes(dataset: Segments, clips: Iterable[int]) -> list[int | None]:
    """Return each clip's class, None where it has no label.

    Raises:
        DataError: None or several targets have classes.
    """
    forms = dataset.targets
    targets = [name for name in forms if isinstance(forms[name], Classes)]
    if len(targets) != 1:
        raise DataError(
            f"data.sampling: balanced needs one target with classes; of {', '.join(forms)}, "
            f"{len(targets)} have classes: use plain"
        )
    (target,) = targets
    return [cast("int | None", dataset.labels[clip].get(target)) for clip in clips]


def _labelled(dataset: Segments, batch_size: int) -> list[bool]:
    """Return which segments have a label.

    Raises:
        DataError: Batches cannot be half labelled.
    """
    labelled = [bool(dataset.labels[position]) for position, _ in dataset.items]
    if batch_size % 2 or all(labelled) or not any(labelled):
        raise DataError(
            f"data.sampling: half_labelled needs an even batch_size (it is {batch_size}) and "
            f"both labelled and unlabelled segments ({sum(labelled)} of {len(labelled)} are "
            "labelled); unlabelled ones come from data.unlabelled, data.labelled_share or the set "
            "itself"
        )
    return labelled
