"""Training on one set and testing on another."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from typing_extensions import override

from emorec.cache import Entry, SegmentCache, WorkPlan
from emorec.data.module import EmotionDataModule
from emorec.data.splits.folds import split_clips
from emorec.data.splits.parts import Part
from emorec.errors import DataError
from emorec.extractors.sidecars import with_whole_paths
from emorec.system.described import described
from emorec.types import Classes, Clip, Values


class CrossCorpus(EmotionDataModule):
    """Two sets: one is split into training and validation, the other is used for testing.

    Clips of the first set that its split would test are left out, so that the result can be
    compared with its own test result from a run with the same seed. Classes are those of the first
    set; a clip of the second with another class is left out. Every result states the mapping.

    Args:
        train: The set for training and validation.
        test: The set for testing; its windows and extractors must be the same.
        labels: Class of the test set -> class of the training set, where their names differ
            (``{joy: happiness}``).
        options: Options of the base class; ``split``, ``seed``, ``batch_size`` and others given
            here apply, not those of the two sets, except their ``cache`` if none is given here.
    """

    needs_root = False  # each of the two sets checks its own

    def __init__(
        self,
        train: EmotionDataModule,
        test: EmotionDataModule,
        labels: dict[str, str] | None = None,
        **options: Any,
    ) -> None:
        options = {"windows": train.windows, **{k: v for k, v in options.items() if v is not None}}
        super().__init__(train.root, train.extractors, **options)
        if self.unlabelled is not None:
            raise DataError(
                "CrossCorpus has no unlabelled corpus of its own; use data.train.unlabelled"
            )
        if train.generated is not None or test.generated is not None:
            raise DataError(
                "generated segments join the training clips of CrossCorpus as a whole: give "
                "data.generated, not that of one of its sets"
            )
        self.train_set, self.test_set = train, test
        if "cache" in options:
            train.cache_folder = test.cache_folder = self.cache_folder
        if any(isinstance(t, Values) for each in (train, test) for t in each.targets.values()):
            raise DataError("CrossCorpus needs classes; these sets have values over time")
        self.targets = dict(train.targets)
        ((self._target, own),) = train.targets.items()
        self.labels = labels or {}
        _check_alike(train, test)
        _check_labels(self.labels, test.targets.get(self._target, Classes([])).names, own.names)
        self.save_hyperparameters(logger=False)

    @override
    @property
    def set_name(self) -> str:
        """Names of both sets."""
        return f"{self.train_set.set_name}-to-{self.test_set.set_name}"

    @override
    @property
    def label_note(self) -> str:
        """Training and test set, and how classes are mapped."""
        names = self.test_set.targets[self._target].names
        mapped = [f"{name} = {self.labels[name]}" for name in names if name in self.labels]
        known = self.targets[self._target].names
        left = [name for name in names if self.labels.get(name, name) not in known]
        parts = [
            f"trained on {type(self.train_set).__name__}",
            f"tested on {type(self.test_set).__name__}",
            *([f"mapped: {', '.join(mapped)}"] if mapped else []),
            *([f"left out: {', '.join(left)}"] if left else []),
            *(note for note in (self.train_set.label_note, self.test_set.label_note) if note),
        ]
        return "; ".join(parts)

    @override
    def clips(self) -> list[Clip]:
        """Return the clips of both sets, the test set's with mapped labels."""
        own, other = self.train_set.checked_clips(), self.test_set.checked_clips()
        tested = [clip for clip in map(self._mapped, other) if clip is not None]
        self._tested = {clip.id for clip in tested}
        every = [*(clip for clip in own if clip.id not in self.train_set.unlabelled_ids), *tested]
        _check_ids(every)
        return every

    @override
    def preprocess(self, work: WorkPlan) -> list[Entry]:
        """Cache both sets."""
        return [
            entry for each in (self.train_set, self.test_set) for entry in each.preprocess(work)
        ]

    @override
    def load(self) -> None:
        """Read both caches."""
        for each in (self.train_set, self.test_set):
            each.load()
        tested = [c for c in map(self._mapped, self.test_set.all_clips) if c is not None]
        left_out = set(self.exclude)
        every = [*self.train_set.all_clips, *tested]
        self.all_clips = [clip for clip in every if clip.id not in left_out]
        _check_ids(self.all_clips)
        self.unlabelled_ids = self.train_set.unlabelled_ids
        self._tested = {clip.id for clip in tested}
        entries = {**self.train_set.entries, **self.test_set.entries}
        self.entries = {clip.id: entries[clip.id] for clip in self.all_clips if clip.id in entries}

    @override
    def assign(self, clips: Sequence[Clip]) -> dict[str, Part]:
        own = [clip for clip in clips if clip.id not in self._tested]
        split = split_clips(own, self.split, self.seed, self.fold, self.folds)
        parts: dict[str, Part] = {name: part for name, part in split.items() if part != "test"}
        return parts | {clip.id: "test" for clip in clips if clip.id in self._tested}

    @override
    def cache_of(self, part: Part) -> SegmentCache:
        return (self.test_set if part == "test" else self.train_set).source().cache()

    def _mapped(self, clip: Clip) -> Clip | None:
        """Return a clip of the test set with the training set's class; None if it has none."""
        label = clip.labels.get(self._target)
        if not isinstance(label, int):
            return None
        name = self.test_set.targets[self._target].names[label]
        name, classes = self.labels.get(name, name), self.targets[self._target].names
        if name not in classes:
            return None
        # Speakers of two corpora are never the same, even with the same name; those of two parts of
        # one corpus (speech and song) are.
        same = type(self.test_set) is type(self.train_set)
        group = f"{type(self.test_set).__name__} {clip.group}"
        group = clip.group if same or not clip.group else group
        clip = with_whole_paths(clip, self.test_set.root)  # the two sets have different roots
        labels = {self._target: classes.index(name)}
        return replace(clip, labels=labels, group=group)


def _check_ids(clips: Sequence[Clip]) -> None:
    twice = [i for i, count in Counter(clip.id for clip in clips).items() if count > 1]
    if twice:
        raise DataError(f"clip {twice[0]!r} is in both sets; give one of them another id")


def _check_alike(train: EmotionDataModule, test: EmotionDataModule) -> None:
    for kind, own, other in (
        ("windows", {"": train.windows}, {"": test.windows}),
        ("extractors", train.extractors, test.extractors),
    ):
        plain = [
            {name: described(each) for name, each in things.items()} for things in (own, other)
        ]
        if plain[0] != plain[1]:
            raise DataError(
                f"the {kind} of the training and the test set differ; give both the same options"
            )


def _check_labels(labels: dict[str, str], theirs: Sequence[str], ours: Sequence[str]) -> None:
    for name, other in labels.items():
        if name not in theirs or other not in ours:
            raise DataError(
                f"labels maps {name!r} to {other!r}; classes of the test set are "
                f"{', '.join(theirs)}, those of the training set {', '.join(ours)}"
            )
    if not set(ours) & {labels.get(name, name) for name in theirs}:
        raise DataError(
            f"the sets have no class in common ({', '.join(ours)}; {', '.join(theirs)}); map the "
            "test set's with data.labels"
        )
