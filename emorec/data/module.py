"""The base of all data sets: from a list of clips to loaders of segments."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor
from torch.utils.data import DataLoader

from emorec.cache import SegmentCache
from emorec.data.clip_set import ClipSet
from emorec.data.labels import count_classes, hide_labels, keep_unlabelled
from emorec.data.loaders import make_loader
from emorec.data.segments import SegmentDataset
from emorec.data.splits.file import check_resumed
from emorec.data.splits.folds import split_clips
from emorec.data.splits.leaks import check_leaks
from emorec.data.splits.parts import FOLDED, PARTS, Part
from emorec.data.statistics import input_statistics
from emorec.data.usable import check_unlabelled, usable_clips, usable_parts
from emorec.data.views import another_view, augmented_view
from emorec.types import Array, Clip, SegmentBatch


class EmotionDataModule(ClipSet):
    """A data set of labelled clips; a subclass says where its clips and labels are.

    Options and attributes: see :class:`~emorec.data.clip_set.ClipSet`.
    """

    def setup(self, stage: str | None = None) -> None:
        """Read the cache's records and split the clips; no media is decoded.

        Raises:
            LeakError: Two parts share what they must not share.
            DataError: There is nothing to learn from.
        """
        if self.parts:
            return
        self.load()
        usable = [clip for clip in self.all_clips if clip.id in self.entries]
        check_resumed(self.resumed_split, self.entries)
        # All that is listed is split, and what is not usable left out afterwards: losing a clip
        # must not change what the others are for.
        listed = self.resumed_split or self.parts_of(self.all_clips)
        self.assigned = usable_parts(usable, listed)
        check_leaks(usable, self.assigned, self.entries, self.split)
        train = [clip for clip in self.all_clips if listed.get(clip.id) == "train"]
        self.all_clips = hide_labels(self.all_clips, train, self.labelled_share, self.seed)
        for part in PARTS:
            self.parts[part] = self.dataset(self.all_clips, self.assigned, part)
        if stage == "fit":
            cache = self.source().cache()
            check_unlabelled(self.extra, self.entries, self.unlabelled, cache)
            self.parts["train"].check_values()
        counts = ", ".join(f"{len(self.parts[p].ids)} {p}" for p in PARTS)
        rank_zero_info(f"{self.set_name}: {counts} clips ({self.protocol})")

    def for_run(self, *, resumed_split: Mapping[str, Part], select_on_test: bool) -> None:
        """Take note of what a run asks for, before :meth:`setup`.

        Args:
            resumed_split: Clip id -> part, of a run that goes on; empty: clips are split anew.
            select_on_test: Choose the best epoch on test clips, as much published code does. For
                comparison with the literature alone: every result says so.
        """
        self.resumed_split, self.select_on_test = dict(resumed_split), select_on_test

    @contextmanager
    def validating_on(self, part: Part) -> Iterator[None]:
        """Validate on another part for a while."""
        self._validated, before = part, self._validated
        try:
            yield
        finally:
            self._validated = before

    def load(self) -> None:
        """Fill :attr:`all_clips` and :attr:`entries`: the clips, and the records of usable ones.

        Raises:
            DataError: None is usable.
        """
        self.all_clips = self.checked_clips()
        self.entries, self.traces = usable_clips(
            self.all_clips, self.source().cache(), self.values, self.read_trace
        )

    def parts_of(self, clips: Sequence[Clip]) -> dict[str, Part]:
        """Return clip id -> part; clips of the unlabelled corpus are for training.

        Args:
            clips: All that are listed, usable or not.

        Raises:
            SplitError: They cannot be split as asked.
        """
        own = [clip for clip in clips if clip.id not in self.extra]
        more: dict[str, Part] = {clip.id: "train" for clip in clips if clip.id in self.extra}
        return {**self.assign(own), **more}

    def prepare_data(self) -> None:
        """Cache what is missing; Lightning calls this in one process, before each of its loops.

        Raises:
            SplitError: The clips cannot be split as asked: before anything is decoded.
        """
        if not self._prepared and not self.resumed_split:
            self.parts_of(self.checked_clips())
        super().prepare_data()

    def assign(self, clips: Sequence[Clip]) -> dict[str, Part]:
        """Return clip id -> part, by the split that was asked for; some are in no part."""
        return split_clips(clips, self.split, self.seed, self.fold, self.folds)

    @property
    def protocol(self) -> str:
        """The split in words, such as ``leave_speakers_out, fold 2 of 5, seed 0``."""
        fold = f", fold {self.fold} of {self.folds}" if self.split in FOLDED else ""
        words = f"{self.split}{fold}, seed {self.seed}"
        return f"{words}; SELECTED ON TEST" if self.select_on_test else words

    def dataset(
        self, clips: Sequence[Clip], assigned: Mapping[str, Part], part: Part
    ) -> SegmentDataset:
        """Return the segments of a part; ``SegmentBatch.clip`` is a position in ``clips``."""
        positions = [p for p, clip in enumerate(clips) if assigned.get(clip.id) == part]
        if part == "train":
            share = 0.0 if self.labelled_only else self.unlabelled_share
            kept = keep_unlabelled([clips[p] for p in positions], share, self.seed)
            positions = [p for p in positions if clips[p].id in kept]
        cache, names = self.cache_of(part), list(self.extractors)
        return SegmentDataset(
            cache, clips, self.entries, positions, names, self.targets, self.traces
        )

    def cache_of(self, part: Part) -> SegmentCache:
        """Return the cache that a part's arrays are in."""
        return self.source().cache()

    def part_of(self, part: Part) -> list[Clip]:
        """Return the usable clips of a part."""
        return [clip for clip in self.all_clips if self.assigned.get(clip.id) == part]

    def speakers(self) -> Tensor:
        """Return int64 (clips,): who speaks in each of :attr:`all_clips`, -1 where not known.

        A speaker (group) is a number, its position among the sorted names of all.
        """
        names = sorted({clip.group for clip in self.all_clips} - {""})
        numbers = {name: number for number, name in enumerate(names)}
        return torch.tensor([numbers.get(clip.group, -1) for clip in self.all_clips]).long()

    def class_counts(self) -> dict[str, Tensor]:
        """Return target -> int64 (classes,): labelled training clips of each class."""
        return count_classes(self.part_of("train"), self.targets)

    def starts(self, position: int) -> list[float]:
        """Return when each window of a clip begins, in seconds, by the clip's position."""
        return [start for start, _ in self.entries[self.all_clips[position].id].windows]

    def statistics(self) -> dict[str, tuple[Array, Array]]:
        """Return modality -> (mean, deviation) that inputs are standardised with.

        An extractor's constants, or what was measured on the segments of training clips.
        """
        return input_statistics(self.parts["train"], self.extractors)

    def train_dataloader(self) -> DataLoader[SegmentBatch]:
        """Return all training segments, in an order given by (seed, epoch) alone."""
        return self._loader("train")

    def val_dataloader(self) -> DataLoader[SegmentBatch]:
        """Return all validation segments, in order."""
        return self._loader(self._validated or ("test" if self.select_on_test else "val"))

    def test_dataloader(self) -> DataLoader[SegmentBatch]:
        """Return all test segments, in order."""
        return self._loader("test")

    def _loader(self, part: Part) -> DataLoader[SegmentBatch]:
        return make_loader(
            self.parts[part],
            batch_size=self.batch_size,
            workers=self.workers,
            shuffle=part == "train",
            seed=self.seed,
            halves=self.halves and part == "train",
            batches=self.batches_of_epoch() if part == "train" else None,
        )

    def augmented(self, batch: SegmentBatch, modalities: Sequence[str]) -> SegmentBatch:
        """Return a training batch after :attr:`augment`, on its device.

        Args:
            batch: The batch.
            modalities: Those that the model is shown.
        """
        if self.augment is None:
            return batch
        self.plain = batch
        return augmented_view(self.augment, batch, modalities, self.targets)

    def another_view(self, batch: SegmentBatch) -> SegmentBatch:
        """Return the last training batch, augmented once more, drawn anew.

        Args:
            batch: The batch as it was augmented: it is returned where nothing augments, or where
                augmentation mixes rows and with them what they are labelled.
        """
        if self.augment is None or self.plain is None:
            return batch
        return another_view(self.augment, self.plain, batch)
