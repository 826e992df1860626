"""Augmented views of a training batch."""

from collections.abc import Mapping, Sequence

from emorec.augment import Augmentation
from emorec.types import SegmentBatch, Target


def augmented_view(
    augment: Augmentation,
    batch: SegmentBatch,
    modalities: Sequence[str],
    targets: Mapping[str, Target],
) -> SegmentBatch:
    """Return a training batch, augmented on its device.

    Args:
        augment: The augmentation; it is bound to the modalities and the targets.
        batch: The batch.
        modalities: Those that the model is shown.
        targets: Name -> target.
    """
    augment.bind(list(modalities), {name: len(each) for name, each in targets.items()})
    changed: SegmentBatch = augment(batch)
    return changed


def another_view(augment: Augmentation, plain: SegmentBatch, view: SegmentBatch) -> SegmentBatch:
    """Return a training batch, augmented again with new random draws.

    Args:
        augment: The augmentation, already bound for the first view.
        plain: The batch before augmentation.
        view: The first view; it is returned if augmentation mixes rows and so their labels.
    """
    other: SegmentBatch = augment(plain)
    if any(other.targets[name] is not t for name, t in plain.targets.items()):
        return view
    return other
