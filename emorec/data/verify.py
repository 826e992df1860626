"""Problems of a data set on disk, from the findings of preprocessing in each clip."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lightning.pytorch.utilities import rank_zero_info

from emorec.cache import Entry, WorkPlan
from emorec.data.module import EmotionDataModule
from emorec.data.splits.parts import PARTS, TooFewError
from emorec.data.usable import check_length, read_traces
from emorec.errors import DataError
from emorec.system.findings import Finding, FindingKind, all_in_words, in_words
from emorec.types import Array, Clip, Target, Values

ERRORS = ("missing", "damaged", "duplicated")
DAMAGE = {
    FindingKind.DAMAGED_END,
    FindingKind.DAMAGED_START,
    FindingKind.DAMAGED,
    FindingKind.UNDECODED,
}
NOTHING_PRESENT = {FindingKind.MISSING, FindingKind.ABSENT, FindingKind.SILENT}
# Warning -> the fact of preprocessing that shows it: it is 0.
WARNINGS = {
    "no sound": "windows_with_sound",
    "silent": "windows_with_sound",
    "no video": "windows_with_face",
    "no face": "windows_with_face",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with one clip; a clip can have several.

    Attributes:
        clip: Id of the clip.
        path: Its media file, as the data set names it.
        kind: One of :data:`ERRORS` or :data:`WARNINGS`.
        detail: What was found.
    """

    clip: str
    path: str
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Findings:
    """The state of a data set on disk.

    Attributes:
        problems: In order of the clips; copies come last.
        copies: Groups of ids with the same content; the first is kept.
        exclude: Ids to leave out: those already excluded, and all of each group but the first.
        measured: Which :data:`WARNINGS` the extractors of this configuration can detect.
        listed: How many clips the set lists.
        usable: How many have a window to train on.
        counts: Counts of clips whose file is present: ``clips``, ``speakers``, the official parts
            ``train``, ``val`` and ``test``, and each class.
        speakers: Speaker -> number of such clips.
        refused: Why ``fit`` would refuse to split the listed clips; empty if it would not.
    """

    problems: list[Problem]
    copies: list[list[str]]
    exclude: list[str]
    measured: list[str]
    listed: int
    usable: int
    counts: dict[str, int]
    speakers: dict[str, int]
    refused: str = ""

    def of(self, kind: str) -> list[str]:
        """Return the ids of clips with a kind of problem."""
        return [problem.clip for problem in self.problems if problem.kind == kind]


def verify(data: EmotionDataModule, workers: int) -> Findings:
    """Preprocess clips that are not cached yet, and return what is wrong with the set.

    Args:
        data: The data set; its extractors decide what is measured.
        workers: Worker processes.

    Raises:
        DataError: The list of clips is not as expected.
        SplitError: Clips lack what the split needs (a speaker, a text, a part): before anything is
            decoded, as ``fit`` would refuse them.
    """
    clips = {clip.id: clip for clip in data.checked_clips()}
    refused = ""
    try:
        data.parts_of(list(clips.values()))
    except TooFewError as error:  # more clips may follow; the present ones can be checked
        refused = str(error)
        rank_zero_info(f"fit would refuse this set: {refused}")
    entries = data.preprocess(WorkPlan(workers))
    # The records do not show this: a cached clip is used even after its file is gone.
    present = {clip.id: clip for clip in clips.values() if (data.root / clip.file).exists()}
    problems = [problem for entry in entries for problem in _problems(entry, entry.id in present)]
    problems += _traces(data, present.values(), {entry.id: entry for entry in entries})
    # In each group, a clip whose file is present is kept.
    copies = _copies(sorted(entries, key=lambda entry: entry.id not in present))
    for kept, *others in copies:
        for other in others:
            same = clips[other].labels == clips[kept].labels
            detail = f"same content as {kept}{'' if same else ', but another label'}"
            path = clips[other].file.as_posix()
            problems.append(Problem(other, path, "duplicated", detail))
    known = {fact for entry in entries for fact in entry.facts}
    found = list(present.values())
    speakers = Counter(clip.group for clip in found if clip.group)
    return Findings(
        problems,
        copies,
        [*data.exclude, *(other for _, *others in copies for other in others)],
        [kind for kind, fact in WARNINGS.items() if fact in known],
        len(clips),
        sum(entry.status == "ok" for entry in entries),
        {
            "clips": len(found),
            "speakers": len(speakers),
            **_count(found, data.targets),
        },
        dict(sorted(speakers.items())),
        refused,
    )


def _traces(
    data: EmotionDataModule, clips: Iterable[Clip], entries: Mapping[str, Entry]
) -> Iterator[Problem]:
    """Yield the clips whose traces cannot be used."""

    def read(clip: Clip, target: str) -> Array:
        found = data.read_trace(clip, target)
        if entries[clip.id].status == "ok":
            form = data.values[target]
            check_length(len(found) * form.step, entries[clip.id].duration + form.delay)
        return found

    for clip, found in read_traces(clips, data.values, read):
        if isinstance(found, DataError):
            yield Problem(clip.id, clip.file.as_posix(), "damaged", str(found))


def _problems(entry: Entry, is_present: bool) -> Iterator[Problem]:
    """Yield what is wrong with a clip, other than that it is a copy."""

    def problem(kind: str, detail: str) -> Problem:
        return Problem(entry.id, entry.path, kind, detail)

    if not is_present:
        cached = ", but cached and so still used" if entry.status == "ok" else ""
        yield problem("missing", f"file not found{cached}")
        return
    damage = [in_words(found) for found in entry.findings if found.kind in DAMAGE]
    warnings = list(_warnings(entry))
    # A clip that is skipped because it is silent and has no face is not damaged.
    if entry.status != "ok" and not (warnings and entry.nothing_usable):
        damage = [entry.reason, *damage]
    if damage:
        yield problem("damaged", "; ".join(damage))
    for kind, detail in warnings:
        yield problem(kind, detail)


def _warnings(entry: Entry) -> Iterator[tuple[str, str]]:
    absences = [found for found in entry.findings if found.kind in NOTHING_PRESENT]
    silence, no_video = Finding(FindingKind.SILENT, "sound"), Finding(FindingKind.MISSING, "video")
    for fact, about, special, its_kind, kind in (
        ("windows_with_sound", ("sound",), silence, "silent", "no sound"),
        ("windows_with_face", ("video", "face"), no_video, "no video", "no face"),
    ):
        if entry.facts.get(fact) != 0:
            continue
        reported = [found for found in absences if found.modality in about]
        # A video that covers none of the windows differs from no video at all.
        yield its_kind if special in reported else kind, all_in_words(reported) or f"{fact}: 0"


def _copies(entries: Sequence[Entry]) -> list[list[str]]:
    """Return groups of usable clips that are the same part of the same content."""
    groups: dict[tuple[str, tuple[float, ...]], list[str]] = defaultdict(list)
    for entry in entries:
        if entry.status == "ok" and entry.digest:
            groups[entry.digest, tuple(entry.span)].append(entry.id)
    return [ids for ids in groups.values() if len(ids) > 1]


def _count(clips: Sequence[Clip], targets: Mapping[str, Target]) -> dict[str, int]:
    name, target = next(iter(targets.items()))
    labels = [clip.labels.get(name) for clip in clips]
    counts: dict[str, int] = {part: sum(clip.split == part for clip in clips) for part in PARTS}
    if isinstance(target, Values):
        return counts | {"with a trace": labels.count(())}
    return counts | {each: labels.count(number) for number, each in enumerate(target.names)}
