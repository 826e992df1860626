"""Augmented views of a training batch."""

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from emorec.augment import Augmentation
from emorec.types import SegmentBatch, Target


class Views:
    """Augments the training batches of a data module.

    Args:
        augment: The augmentation; None: batches stay as they are.
        speakers: Returns the speaker of each clip, see ``EmotionDataModule.speakers``.
    """

    def __init__(self, augment: Augmentation | None, speakers: Callable[[], Tensor]) -> None:
        self.augment, self._speakers = augment, speakers
        self.plain: SegmentBatch | None = None  # the last batch before augmentation
        self._known: Tensor | None = None

    def first(
        self, batch: SegmentBatch, modalities: Sequence[str], targets: Mapping[str, Target]
    ) -> SegmentBatch:
        """Return a batch, augmented on its device.

        Args:
            batch: The batch.
            modalities: Those that the model is shown.
            targets: Name -> target.
        """
        if self.augment is None:
            return batch
        self.plain = batch
        if self._known is None:
            self._known = self._speakers()
        classes = {name: len(each) for name, each in targets.items()}
        self.augment.bind(list(modalities), classes, self._known)
        changed: SegmentBatch = self.augment(batch)
        return changed

    def another(self, view: SegmentBatch) -> SegmentBatch:
        """Return the last batch, augmented again with new random draws.

        Without augmentation, or if it mixes rows and so their labels, this is the first view.

        Args:
            view: The first view.
        """
        if self.augment is None or self.plain is None:
            return view
        other: SegmentBatch = self.augment(self.plain)
        if any(other.targets[name] is not t for name, t in self.plain.targets.items()):
            return view
        return other
