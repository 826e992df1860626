"""The base of all data sets, first half: clips on disk, and their cache."""

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from lightning.pytorch import LightningDataModule
from platformdirs import user_cache_path

from emorec.augment import Augmentation
from emorec.cache import CacheSource, Entry, WorkPlan
from emorec.data.labels import check_shares
from emorec.data.loaders import all_batches, check_batches
from emorec.data.manifest_rows import unlabelled_clips
from emorec.data.preprocessing import preprocess_clips
from emorec.data.segments import SegmentDataset
from emorec.data.splits.parts import Part, Split
from emorec.data.traces import read_trace
from emorec.data.usable import check_clips, check_traces
from emorec.errors import DataError
from emorec.extractors import Extractor
from emorec.types import Array, Clip, SegmentBatch, Target, Values
from emorec.windows import RandomWindows, Windows


class ClipSet(LightningDataModule, ABC):
    """A set of labelled clips; a subclass says where its clips and labels are.

    Args:
        root: Folder of the data set.
        extractors: Modality -> extractor; which modalities are read, and how.
        windows: Where clips are cut; the paper's 30 random windows of 0.5 s where None.
        cache: Folder of the segment caches; the user's cache folder where None.
        split: ``random_clip`` (the paper's; shares speakers), ``subject_independent``,
            ``leave_speakers_out`` (cross-validation), ``held_out_text`` (an audit), or
            ``official`` (what each clip brings).
        seed: Of the split and of the order of training.
        batch_size: Segments a batch and device; the paper's 90.
        workers: Processes that load batches, and that preprocess in ``fit``.
        augment: Changes training batches on the device; never those of validation and test.
        labelled_share: Share of the training clips that keep their label, drawn with ``seed``;
            the others take part as unlabelled ones. Validation and test clips keep theirs.
        labelled_only: Leave unlabelled training clips out, as in the paper's baselines; else they
            take part in what needs no label (and in batch norm).
        fold: Of leave_speakers_out and held_out_text: which fold is tested, from 1.
        folds: Of the same: how many; ``speakers`` (one each); the name of a published list
            (``ravdess_hicmae``, ``ravdess_luna_jimenez``, ``ravdess_emobox``) or a YAML file.
        exclude: Ids of clips that are left out, such as copies and damaged ones.
        unlabelled_share: Share of the training clips without a label that stay, drawn with seed.
        unlabelled: Manifest of another corpus, whose clips take part in training, without labels.
        halves: Batches of training are half labelled; an epoch is once all labelled segments.

    Attributes:
        targets: Name -> target. Of one with values, a clip has a trace in the sidecar of the
            target's name, and an empty tuple as its label.
        traces: Target with values -> position of a clip -> float32 (steps, dimensions).
        select_on_test: Choose the best epoch on test clips, as much published code does. For
            comparison with the literature alone: every result says so.
    """

    targets: dict[str, Target]
    media: str = ""  # which files are read, in sets that have several kinds of a take

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
        augment: Augmentation | None = None,
        labelled_share: float = 1.0,
        labelled_only: bool = False,
        fold: int = 1,
        folds: int | str = 5,
        exclude: list[str] | None = None,
        unlabelled_share: float = 1.0,
        unlabelled: Path | None = None,
        halves: bool = False,
    ) -> None:
        super().__init__()
        check_shares(labelled_share, unlabelled_share)
        if not extractors:
            raise DataError("extractors is empty: name at least one modality to read")
        check_batches(batch_size, workers)
        self.root = Path(root).expanduser()
        self.extractors = extractors
        self.windows = windows or RandomWindows()
        self.cache_folder = Path(cache or user_cache_path("emorec")).expanduser()
        self.split, self.seed = split, seed
        self.batch_size, self.workers, self.augment = batch_size, workers, augment
        self.labelled_share, self.labelled_only = labelled_share, labelled_only
        self.fold, self.folds, self.exclude = fold, folds, exclude or []
        self.unlabelled_share, self.unlabelled, self.halves = unlabelled_share, unlabelled, halves
        self.extra: set[str] = set()  # ids of the unlabelled corpus's clips
        self.select_on_test = self._prepared = False
        self.parts: dict[Part, SegmentDataset] = {}
        self.all_clips: list[Clip] = []
        self.entries: dict[str, Entry] = {}
        self.traces: dict[str, dict[int, Array]] = {}
        self.assigned: dict[str, Part] = {}
        self.resumed_split: dict[str, Part] = {}
        self._validated: Part | None = None  # another part than usual
        self.plain: SegmentBatch | None = None  # the last training batch before augmentation
        # Batches of the next training epoch; None: as many as there are segments for.
        self.batches_of_epoch: Callable[[], int | None] = all_batches

    @abstractmethod
    def clips(self) -> list[Clip]:
        """Return the clips of the set, in a stable order.

        Raises:
            DataError: The root is missing or not laid out as expected.
        """

    @property
    def values(self) -> dict[str, Values]:
        """The targets with values."""
        return {name: each for name, each in self.targets.items() if isinstance(each, Values)}

    @property
    def set_name(self) -> str:
        """Name of the set, the kind of files, and a digest of its root: none shares a cache."""
        names = [type(self).__name__.lower(), self.media, self.root_digest]
        return "-".join(name for name in names if name)

    @property
    def root_digest(self) -> str:
        """Six hex digits that stand for the root's place."""
        return hashlib.blake2b(os.fsencode(self.root.resolve()), digest_size=3).hexdigest()

    def source(self) -> CacheSource:
        """Return how this set's clips become segments."""
        return CacheSource(
            self.set_name, self.root, self.cache_folder, self.windows, dict(self.extractors)
        )

    def prepare_data(self) -> None:
        """Cache what is missing; Lightning calls this in one process, before each of its loops."""
        if not self._prepared:
            self.preprocess(WorkPlan(self.workers))
        self._prepared = True

    def preprocess(self, work: WorkPlan) -> list[Entry]:
        """Cache what is missing and return all records; write the reports.

        Args:
            work: Worker processes, device, and shard: one shard writes no ``report.html``.
        """
        clips = self.checked_clips()
        check_traces(clips, self.values, self.read_trace)
        return preprocess_clips(self.source(), clips, self.targets, work)

    def checked_clips(self) -> list[Clip]:
        """Return :meth:`clips` after checking that there are some and that no id repeats.

        Raises:
            DataError: There are none, or an id repeats.
        """
        more = [] if self.unlabelled is None else unlabelled_clips(self.unlabelled)
        self.extra = {clip.id for clip in more}
        return check_clips(self.clips(), more, self.exclude, f"{self.root}; {self.expected}")

    def read_trace(self, clip: Clip, target: str) -> Array:
        """Return the values of a clip's target, float32 (steps, dimensions).

        NaN where nothing is known. By default they are in a CSV file, the clip's sidecar of the
        target's name.

        Raises:
            DataError: It cannot be used.
        """
        form = self.values[target]
        return read_trace(self.root / clip.sidecars[target], form.names, form.step)

    @property
    def published(self) -> dict[str, int]:
        """Published numbers: ``clips``, ``speakers``, official parts, classes; see ``verify``."""
        return {}

    @property
    def label_note(self) -> str:
        """Which labels these are, where a corpus has several kinds; every result states it."""
        return ""

    @property
    def expected(self) -> str:
        """What the set looks like on disk, for error messages."""
        return "see the data set's documentation for its layout"
