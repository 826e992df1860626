"""Views of a training batch: what augmentation makes of it."""

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
        augment: The augmentation; it is told of the modalities and the targets.
        batch: The batch.
        modalities: Those that the model is shown.
        targets: Name -> target.
    """
    augment.bind(list(modalities), {name: len(each) for name, each in targets.items()})
    changed: SegmentBatch = augment(batch)
    return changed


def another_view(augment: Augmentation, plain: SegmentBatch, view: SegmentBatch) -> SegmentBatch:
    """Return a training batch, augmented once more, drawn anew.

    Args:
        augment: The augmentation, told of modalities and targets as it made the first view.
        plain: The batch before augmentation.
        view: The first view; it is returned where augmentation mixes rows and with them what they
            are labelled.
    """
    other: SegmentBatch = augment(plain)
    if any(other.targets[name] is not t for name, t in plain.targets.items()):
        return view
    return other
