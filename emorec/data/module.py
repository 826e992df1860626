"""The base of all data sets: from a list of clips to loaders of segments."""

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from lightning.pytorch import LightningDataModule
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn
from platformdirs import user_cache_path
from torch import nn
from torch.utils.data import DataLoader

from emorec.cache import Entry, RandomWindows, SegmentCache, Source, Windows, build
from emorec.cache.overview import write_overview
from emorec.data.labels import keep_labels
from emorec.data.sampler import DealingSampler
from emorec.data.segments import SegmentDataset, as_is
from emorec.data.splits import PARTS, SPLITS, Part, Split
from emorec.data.statistics import pooled_statistics
from emorec.errors import UserError
from emorec.extractors import Extractor
from emorec.types import Array, Clip, SegmentBatch


class DataError(UserError):
    """The data set on disk is not what was expected; the message says what to do."""


class EmotionDataModule(LightningDataModule, ABC):
    """A data set of labelled clips; a subclass says where its clips and labels are.

    Args:
        root: Folder of the data set.
        extractors: Modality -> extractor; which modalities are read, and how.
        windows: Where clips are cut; the paper's 30 random windows of 0.5 s where None.
        cache: Folder of the segment caches; the user's cache folder where None.
        split: ``random_clip`` (the paper's; shares speakers), ``subject_independent``, or
            ``official`` (what each clip brings).
        seed: Of the split and of the order of training.
        batch_size: Segments a batch and device; the paper's 90.
        workers: Processes that load batches, and that preprocess in ``fit``.
        augment: Module that changes a :class:`SegmentBatch` on the device, in training only.
        labelled_share: Share of the training clips that keep their label, drawn with ``seed``;
            the others take part as unlabelled ones. Validation and test clips keep theirs.
    """

    targets: dict[str, list[str]]

    def __init__(
        self,
        root: Path,
        extractors: dict[str, Extractor],
        windows: Windows | None = None,
        cache: Path | None = None,
        split: Split = "random_clip",
        seed: int = 0,
        batch_size: int = 90,
        workers: int = 2,
        augment: nn.Module | None = None,
        labelled_share: float = 1.0,
    ) -> None:
        super().__init__()
        if not 0 <= labelled_share <= 1:
            raise DataError(f"labelled_share is {labelled_share}; it must be from 0 to 1")
        if not extractors:
            raise DataError("extractors is empty: name at least one modality to read")
        self.root = Path(root).expanduser()
        self.extractors = extractors
        self.windows = windows or RandomWindows()
        self.cache_folder = Path(cache or user_cache_path("emorec")).expanduser()
        self.split, self.seed = split, seed
        self.batch_size, self.workers, self.augment = batch_size, workers, augment
        self.labelled_share = labelled_share
        self.parts: dict[Part, SegmentDataset] = {}
        self._prepared = False
        self.all_clips: list[Clip] = []
        self.assigned: dict[str, Part] = {}
        # The split of a run that goes on: what was tested or trained on stays so, whatever clips
        # have come or become usable since.
        self.pinned: dict[str, Part] = {}

    @abstractmethod
    def clips(self) -> list[Clip]:
        """Return the clips of the set, in a stable order.

        Raises:
            DataError: The root is missing or not laid out as expected.
        """

    @property
    def set_name(self) -> str:
        """Name of the set and a digest of its root: two sets never share a cache."""
        return f"{type(self).__name__.lower()}-{folder_digest(self.root)}"

    def source(self) -> Source:
        """Return how this set's clips become segments."""
        return Source(
            self.set_name, self.root, self.cache_folder, self.windows, dict(self.extractors)
        )

    def prepare_data(self) -> None:
        """Cache what is missing; Lightning calls this in one process, before each of its loops."""
        if not self._prepared:
            self.preprocess(self.workers)
        self._prepared = True

    def preprocess(self, workers: int, shard: tuple[int, int] = (1, 1)) -> list[Entry]:
        """Cache what is missing and return all records; write the reports.

        Args:
            workers: Worker processes.
            shard: (i, n): only each n-th clip from the i-th on, and no ``report.html``.
        """
        clips, cache = self.checked_clips(), self.source().cache()
        table, page = cache.folder / "report.csv", cache.folder / "report.html"
        before = table.read_bytes() if table.is_file() else b""
        made = build(self.source(), clips, workers=workers, shard=shard, say=rank_zero_info)
        if shard[1] == 1 and not (page.is_file() and table.read_bytes() == before):
            target, classes = next(iter(self.targets.items()))
            write_overview(page, made, clips, classes, cache, target)
            rank_zero_info(f"pictures and counts: {page}")
        return made

    def checked_clips(self) -> list[Clip]:
        """Return :meth:`clips` after checking that there are some and that no id repeats.

        Raises:
            DataError: There are none, or an id repeats.
        """
        clips = self.clips()
        if not clips:
            raise DataError(f"no clip found in {self.root}; {self.expected}")
        repeated = [i for i, count in Counter(c.id for c in clips).items() if count > 1]
        if repeated:
            raise DataError(
                f"{len(repeated)} clip id(s) repeat, for instance {repeated[0]!r}; each clip needs "
                "its own (in a manifest: its own path, or a column 'id')"
            )
        return clips

    @property
    def expected(self) -> str:
        """What the set looks like on disk, for error messages."""
        return "see the data set's documentation for its layout"

    def setup(self, stage: str | None = None) -> None:
        """Read the cache's records and split the clips; no media is decoded."""
        if self.parts:
            return
        self.all_clips = self.checked_clips()
        cache = self.source().cache()
        records = {clip.id: cache.read(clip.id) for clip in self.all_clips}
        entries = {i: e for i, e in records.items() if e is not None and e.status == "ok"}
        # Clips without usable segments are not counted in the split: what is tested is known.
        usable = [clip for clip in self.all_clips if clip.id in entries]
        if not usable:
            raise DataError(
                f"none of {len(self.all_clips)} clips is usable; "
                f"{cache.folder / 'report.csv'} says why, clip by clip"
            )
        self.assigned = self._pinned(usable) or SPLITS[self.split](usable, self.seed)
        self._hide_labels()
        classes = {name: len(names) for name, names in self.targets.items()}
        for part in PARTS:
            positions = [
                p for p, clip in enumerate(self.all_clips) if self.assigned.get(clip.id) == part
            ]
            self.parts[part] = SegmentDataset(
                cache, self.all_clips, entries, positions, list(self.extractors), classes
            )
        self._entries = entries
        counts = ", ".join(f"{len(self.parts[p].ids)} {p}" for p in PARTS)
        rank_zero_info(f"{self.set_name}: {counts} clips ({self.split}, seed {self.seed})")
        if len(usable) < len(self.all_clips):
            left = len(self.all_clips) - len(usable)
            rank_zero_warn(f"{left} clips are left out; see {cache.folder / 'report.csv'}")

    def _hide_labels(self) -> None:
        train = self.part_of("train")
        kept = keep_labels(train, self.labelled_share, self.seed)
        hidden = {clip.id for clip in train if clip.labels} - kept
        self.all_clips = [
            replace(clip, labels={}) if clip.id in hidden else clip for clip in self.all_clips
        ]
        if hidden:
            rank_zero_info(f"{len(kept)} of {len(train)} training clips keep their label")

    def _pinned(self, usable: Sequence[Clip]) -> dict[str, Part]:
        lost = sorted(set(self.pinned) - {clip.id for clip in usable})
        if lost:
            raise DataError(
                f"{len(lost)} clip(s) of this run's split are no longer usable, for instance "
                f"{lost[0]!r}; bring their files back, or start anew with --overwrite"
            )
        return self.pinned

    def part_of(self, part: Part) -> list[Clip]:
        """Return the usable clips of a part."""
        return [clip for clip in self.all_clips if self.assigned.get(clip.id) == part]

    def statistics(self) -> dict[str, tuple[Array, Array]]:
        """Return modality -> (mean, deviation) that inputs are standardised with.

        An extractor's constants, or what was measured on the segments of training clips.
        """
        cache: SegmentCache = self.parts["train"].cache
        clips = self.part_of("train")
        return {
            name: extractor.constants()
            or pooled_statistics(
                ((cache.array(c.id, name), self._entries[c.id].present[name]) for c in clips),
                extractor.pooled_axes,
            )
            for name, extractor in self.extractors.items()
        }

    def train_dataloader(self) -> DataLoader[SegmentBatch]:
        """Return all training segments, in an order given by (seed, epoch) alone."""
        return self._loader("train")

    def val_dataloader(self) -> DataLoader[SegmentBatch]:
        """Return all validation segments, in order."""
        return self._loader("val")

    def test_dataloader(self) -> DataLoader[SegmentBatch]:
        """Return all test segments, in order."""
        return self._loader("test")

    def _loader(self, part: Part) -> DataLoader[SegmentBatch]:
        dataset = self.parts[part]
        ranks, rank = 1, 0
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            ranks, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
        sampler = DealingSampler(dataset, ranks, rank, shuffle=part == "train", seed=self.seed)
        return DataLoader(
            dataset,
            batch_size=self.batch_size,
            sampler=sampler,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            collate_fn=cast("Any", as_is),
            pin_memory=torch.cuda.is_available(),
        )

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Augment training batches on the device."""
        if self.augment is not None and self.trainer is not None and self.trainer.training:
            return self.augment(batch)
        return batch


def folder_digest(folder: Path) -> str:
    """Return six hex digits that stand for a folder's place."""
    return hashlib.blake2b(str(folder.resolve()).encode(), digest_size=3).hexdigest()


def class_index(label: str, classes: Sequence[str], where: str) -> int:
    """Return the position of a label among the classes.

    Raises:
        DataError: It is not one of them; the message names where it stands.
    """
    if label not in classes:
        raise DataError(
            f"{where}: unknown emotion {label!r}; the classes are {', '.join(classes)}. Correct "
            "the label, leave it empty (an unlabelled clip), or name your classes in data.classes"
        )
    return list(classes).index(label)
