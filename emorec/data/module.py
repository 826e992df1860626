"""The base of all data sets: from a list of clips to loaders of segments."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lightning.pytorch.utilities import rank_zero_info
from platformdirs import user_cache_path
from torch import Tensor

from emorec.augment import Augmentation
from emorec.cache import CacheSource, Entry, SegmentCache, WorkPlan
from emorec.data.context import Context, contexts_of
from emorec.data.generated import Generated, content_of, with_generated
from emorec.data.labels import PerClass, check_shares, hide_labels, positions_of
from emorec.data.loaders import Sampling, all_batches, check_batches
from emorec.data.manifest_rows import unlabelled_clips
from emorec.data.part_loaders import PartLoaders
from emorec.data.preprocessing import name_of_set, preprocess_clips
from emorec.data.segments import SegmentDataset
from emorec.data.splits.file import check_resumed
from emorec.data.splits.folds import split_clips
from emorec.data.splits.leaks import check_leaks
from emorec.data.splits.parts import PARTS, Part, Split
from emorec.data.statistics import balanced_counts, count_classes, input_statistics, number_speakers
from emorec.data.traces import read_trace
from emorec.data.usable import check_clips, check_root, check_unlabelled, usable_clips, usable_parts
from emorec.data.views import Views
from emorec.data.within import SpeakerShift, Within, check_within, protocol_words
from emorec.extractors import Extractor
from emorec.types import Array, Clip, SegmentBatch, Target, Values
from emorec.windows import RandomWindows, Windows


class EmotionDataModule(PartLoaders, ABC):
    """A data set of labelled clips; subclasses find its clips and labels.

    Args:
        root: Folder of the data set.
        extractors: Modality -> extractor; which modalities are read, and how.
        windows: Where clips are cut; None: the paper's 30 random windows of 0.5 s.
        cache: Folder of the segment caches; None: the user's cache folder.
        split: ``random_clip`` (the paper's; shares speakers), ``subject_independent``,
            ``leave_speakers_out`` (cross-validation), ``held_out_text`` (an audit), or
            ``official`` (each clip's own part).
        seed: Seed of the split and of the order of training.
        batch_size: Segments per batch and device; the paper's 90.
        workers: Processes that load batches, and that preprocess in ``fit``.
        augment: Augments training batches on the device; never those of validation and test.
        labelled_share: Share of the training clips that keep their label, drawn with ``seed``;
            the others count as unlabelled ones. Validation and test clips keep theirs.
        labels_per_class: The most training clips of each class that keep their label, or of some
            classes by name (``{fear: 20}``); None: all.
        labelled_only: Leave unlabelled training clips out, as in the paper's baselines; otherwise
            they take part in losses that need no label (and in batch norm).
        fold: For leave_speakers_out and held_out_text: the fold that is tested, from 1.
        folds: For the same: how many; ``speakers`` (one each); the name of a published list
            (``ravdess_hicmae``, ``ravdess_luna_jimenez``, ``ravdess_emobox``) or a YAML file.
        exclude: Ids of clips that are left out, such as copies and damaged ones.
        unlabelled_share: Share of training clips without a label that are kept, drawn with seed.
        unlabelled: Manifest of another corpus, whose clips take part in training, without labels.
        sampling: For training: ``plain``, batches ``half_labelled``, or all classes ``balanced``.
        within: Inputs are normalised by training clips (``corpus``), or also by all clips of each
            ``speaker``, without labels, which needs groups, and every result states it.
        generated: Segments of ``emorec generate`` that join training, and nothing else.
        context: ``dialogue``: batches hold whole dialogues (of one part), for a fusion that relates
            their clips (``QueryAttention``); best with one window a clip.

    Attributes:
        targets: Name -> target. For one with values, a clip has a trace in the sidecar of the
            target's name, and an empty tuple as its label.
        layout: What the set looks like on disk, for messages.
        needs_root: Whether the root must be a folder before clips are listed.
        traces: Target with values -> position of a clip -> float32 (steps, dimensions).
        select_on_test: Choose the epoch on test clips, as published code does; results say so.
    """

    targets: dict[str, Target]
    media: str = ""  # which files are read, in sets with several kinds per take
    layout: str = "see the data set's documentation for its layout"
    needs_root: bool = True

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
        sampling: Sampling = "plain",
        within: Within = "corpus",
        labels_per_class: PerClass | None = None,
        generated: Generated | None = None,
        context: Context = "none",
    ) -> None:
        super().__init__()
        check_shares(labelled_share, unlabelled_share, labels_per_class)
        check_batches(extractors, batch_size, workers)
        self.root, self.extractors = Path(root).expanduser(), extractors
        self.windows = windows or RandomWindows()
        self.cache_folder = Path(cache or user_cache_path("emorec")).expanduser()
        self.split, self.seed = split, seed
        self.batch_size, self.workers, self.augment = batch_size, workers, augment
        self.labelled_share, self.labelled_only = labelled_share, labelled_only
        self.fold, self.folds, self.exclude = fold, folds, exclude or []
        self.unlabelled_share, self.labels_per_class = unlabelled_share, labels_per_class
        self.unlabelled, self.sampling, self.within = unlabelled, sampling, within
        self.generated, self.context = generated, context
        self.unlabelled_ids: set[str] = set()  # of the clips of the unlabelled corpus
        self.select_on_test = self._prepared = False
        self.parts: dict[Part, SegmentDataset] = {}
        self.all_clips, self.entries = list[Clip](), dict[str, Entry]()
        self.traces: dict[str, dict[int, Array]] = {}
        self.part_of_clip: dict[str, Part] = {}
        self.resumed_split: dict[str, Part] = {}
        self._shift: SpeakerShift | None = None
        self._views = Views(augment, self.speakers)
        self.batches_of_epoch: Callable[[], int | None] = all_batches  # of the next training epoch

    @abstractmethod
    def clips(self) -> list[Clip]:
        """Return the clips of the set, in a stable order.

        Raises:
            DataError: The root is not laid out as expected.
        """

    @property
    def values(self) -> dict[str, Values]:
        """The targets with values."""
        return {name: each for name, each in self.targets.items() if isinstance(each, Values)}

    @property
    def set_name(self) -> str:
        """Name of the set, kind of files, and digest of its root: no two sets share a cache."""
        return name_of_set(type(self).__name__.lower(), self.media, root=self.root)

    def source(self) -> CacheSource:
        """Return how this set's clips become segments."""
        return CacheSource(
            self.set_name, self.root, self.cache_folder, self.windows, dict(self.extractors)
        )

    @property
    def protocol(self) -> str:
        """The split in words, such as ``leave_speakers_out, fold 2 of 5, seed 0``."""
        words = protocol_words(self.split, self.seed, self.fold, self.folds, self.within)
        return f"{words}; SELECTED ON TEST" if self.select_on_test else words

    @property
    def published(self) -> dict[str, int]:
        """Published counts: ``clips``, ``speakers``, official parts, classes; see ``verify``."""
        return {}

    @property
    def label_note(self) -> str:
        """Which labels are used, if a corpus has several kinds; every result states it."""
        return ""

    def checked_clips(self) -> list[Clip]:
        """Return :meth:`clips`, with checks of the root and of their ids.

        Raises:
            DataError: The root is not a folder, no clip is found, or an id repeats.
        """
        if self.needs_root:
            check_root(self.root, type(self).__name__, self.layout)
        more = [] if self.unlabelled is None else unlabelled_clips(self.unlabelled)
        self.unlabelled_ids = {clip.id for clip in more}
        return check_clips(self.clips(), more, self.exclude, f"{self.root}; {self.layout}")

    def read_trace(self, clip: Clip, target: str) -> Array:
        """Return the values of a clip's target, float32 (steps, dimensions).

        NaN where unknown. By default they are read from a CSV file, the clip's sidecar of the
        target's name.

        Raises:
            DataError: It cannot be used.
        """
        form = self.values[target]
        return read_trace(self.root / clip.sidecars[target], form.names, form.step)

    def for_run(self, *, resumed_split: Mapping[str, Part], select_on_test: bool) -> None:
        """Set what a run requires, before :meth:`setup`.

        Args:
            resumed_split: Clip id -> part, of a resumed run; empty: clips are split.
            select_on_test: See the attribute.
        """
        self.resumed_split, self.select_on_test = dict(resumed_split), select_on_test

    def prepare_data(self) -> None:
        """Cache missing clips; Lightning calls this in one process, before each of its loops.

        Raises:
            SplitError: The clips cannot be split as configured: before anything is decoded.
        """
        if self._prepared:
            return
        if not self.resumed_split:
            self.parts_of(self.checked_clips())
        self.preprocess(WorkPlan(self.workers))
        self._prepared = True

    def preprocess(self, work: WorkPlan) -> list[Entry]:
        """Cache missing clips, write the reports, and return all records.

        Args:
            work: Worker processes, device, and shard: a shard writes no ``report.html``.
        """
        clips = self.checked_clips()
        return preprocess_clips(self.source(), clips, self.targets, self.read_trace, work)

    def setup(self, stage: str | None = None) -> None:
        """Read the cache's records and split the clips; no media is decoded.

        Raises:
            LeakError: Two parts share what they must not share.
            DataError: Nothing is left to learn from.
        """
        if self.parts:
            return
        self.load()
        usable = [clip for clip in self.all_clips if clip.id in self.entries]
        check_resumed(self.resumed_split, self.entries)
        # Unusable ones are split too: losing a clip must not change the parts of the others.
        listed = self.resumed_split or self.parts_of(self.all_clips)
        self.part_of_clip = usable_parts(usable, listed)
        check_leaks(usable, self.part_of_clip, self.entries, self.split)
        kept = self.labelled_share, self.seed, self.labels_per_class, self.targets
        self.all_clips = hide_labels(self.all_clips, listed, *kept)
        self.parts = {part: self.dataset(self.all_clips, self.part_of_clip, part) for part in PARTS}
        contexts = contexts_of(self.context, self.all_clips)
        for dataset in self.parts.values():
            dataset.contexts = contexts
        if self.within == "speaker":
            every, corpus = self.parts.values(), self.statistics()
            self._shift = SpeakerShift(every, self.all_clips, self.extractors, corpus)
        if stage == "fit":
            ids, cache = self.unlabelled_ids, self.source().cache()
            check_unlabelled(ids, self.entries, self.unlabelled, cache)
            self.parts["train"].check_values()
        if self.generated is not None:  # also in a test, whose results name them
            self.more, clips = with_generated(self.generated, self, self.parts["train"])
            self.all_clips += clips
        counts = ", ".join(f"{len(self.parts[p].ids)} {p}" for p in PARTS)
        rank_zero_info(f"{self.set_name}: {counts} clips ({self.protocol})")

    def load(self) -> None:
        """Fill :attr:`all_clips` and :attr:`entries`: the clips, and the records of usable ones.

        Raises:
            DataError: None is usable.
        """
        clips, cache = self.checked_clips(), self.source().cache()
        self.entries, self.traces = usable_clips(clips, cache, self.values, self.read_trace)
        self.all_clips = clips

    def parts_of(self, clips: Sequence[Clip]) -> dict[str, Part]:
        """Return clip id -> part of listed clips; those of the unlabelled corpus are for training.

        Raises:
            SplitError: They cannot be split as configured.
            DataError: A clip has no speaker to be normalised within.
        """
        check_within(self.within, clips)
        ids = self.unlabelled_ids
        own = [clip for clip in clips if clip.id not in ids]
        more: dict[str, Part] = {clip.id: "train" for clip in clips if clip.id in ids}
        return {**self.assign(own), **more}

    def assign(self, clips: Sequence[Clip]) -> dict[str, Part]:
        """Return clip id -> part, by the configured split; some clips are in no part."""
        return split_clips(clips, self.split, self.seed, self.fold, self.folds)

    def dataset(
        self, clips: Sequence[Clip], part_of_clip: Mapping[str, Part], part: Part
    ) -> SegmentDataset:
        """Return the segments of a part; ``SegmentBatch.clip`` is a position in ``clips``."""
        share = 0.0 if self.labelled_only else self.unlabelled_share
        chosen = positions_of(part, clips, part_of_clip, share, self.seed)
        cache, names = self.cache_of(part), list(self.extractors)
        return SegmentDataset(cache, clips, self.entries, chosen, names, self.targets, self.traces)

    def cache_of(self, part: Part) -> SegmentCache:
        """Return the cache that holds a part's arrays."""
        return self.source().cache()

    def clips_of(self, part: Part) -> list[Clip]:
        """Return the usable clips of a part."""
        return [clip for clip in self.all_clips if self.part_of_clip.get(clip.id) == part]

    def contents(self, part: Part) -> list[str]:
        """Return digests of what the clips of a part were cut from, sorted."""
        return sorted({content_of(self.entries[clip.id]) for clip in self.clips_of(part)})

    def speakers(self) -> Tensor:
        """Return int64 (clips,): the speaker in each of :attr:`all_clips`, -1 where unknown."""
        return number_speakers(self.all_clips)

    def class_counts(self) -> dict[str, Tensor]:
        """Return target -> int64 (classes,): labelled training clips of each, 1 if balanced."""
        counts = count_classes(self.clips_of("train"), self.targets)
        return counts if self.sampling != "balanced" else balanced_counts(counts)

    def starts(self, position: int) -> list[float]:
        """Return when each window of a clip starts, in seconds, by the clip's position."""
        return [start for start, _ in self.entries[self.all_clips[position].id].windows]

    def statistics(self) -> dict[str, tuple[Array, Array]]:
        """Return modality -> (mean, deviation): extractor constants, or from training clips."""
        measured = None if self._shift is None else self._shift.corpus
        return dict(measured or input_statistics(self.parts["train"], self.extractors))

    def augmented(self, batch: SegmentBatch, modalities: Sequence[str]) -> SegmentBatch:
        """Return a training batch after :attr:`augment`; the model is shown these modalities."""
        return self._views.first(batch, modalities, self.targets)

    def another_view(self, batch: SegmentBatch) -> SegmentBatch:
        """Return the last training batch, augmented again; see ``Views.another``."""
        return self._views.another(batch)
