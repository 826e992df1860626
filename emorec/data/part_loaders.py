"""The loaders of a data module's training, validation and test segments."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from emorec.data.generated import WithGenerated
from emorec.data.loaders import Sampling, make_loader
from emorec.data.segments import SegmentDataset
from emorec.data.splits.parts import Part
from emorec.types import SegmentBatch
from emorec.windows import Windows


class PartLoaders(LightningDataModule):
    """Base of data modules whose parts are data sets of segments.

    Attributes:
        parts: ``train``, ``val`` and ``test`` -> their segments.
        more: The training segments with generated ones; None: there are none.
        batch_size: Segments per batch and device.
        workers: Processes that load batches.
        seed: Seed of the order of training.
        sampling: Of training segments, see :func:`~emorec.data.loaders.make_loader`.
        windows: Where clips are cut, and how many windows an epoch uses.
        batches_of_epoch: Returns the number of batches of the next training epoch; None: as many
            as the segments fill.
        select_on_test: Validate on test clips.
    """

    parts: dict[Part, SegmentDataset]
    more: WithGenerated | None = None
    batch_size: int
    workers: int
    seed: int
    sampling: Sampling
    windows: Windows
    batches_of_epoch: Callable[[], int | None]
    select_on_test: bool
    _validated: Part | None = None  # the part to validate on, if not the usual one

    @contextmanager
    def validating_on(self, part: Part) -> Iterator[None]:
        """Validate on another part for a while."""
        self._validated, before = part, self._validated
        try:
            yield
        finally:
            self._validated = before

    def train_dataloader(self) -> DataLoader[SegmentBatch]:
        """Return the training segments, in an order given by (seed, epoch) alone."""
        return self._loader("train")

    def val_dataloader(self) -> DataLoader[SegmentBatch]:
        """Return all validation segments, in order."""
        return self._loader(self._validated or ("test" if self.select_on_test else "val"))

    def test_dataloader(self) -> DataLoader[SegmentBatch]:
        """Return all test segments, in order."""
        return self._loader("test")

    def _loader(self, part: Part) -> DataLoader[SegmentBatch]:
        return make_loader(
            self.more if part == "train" and self.more else self.parts[part],
            batch_size=self.batch_size,
            workers=self.workers,
            shuffle=part == "train",
            seed=self.seed,
            sampling=self.sampling,
            batches=self.batches_of_epoch() if part == "train" else None,
            per_epoch=self.windows.per_epoch,
        )
