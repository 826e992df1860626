"""Which clips of a set are usable: by their list and traces, then by their cached records."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn

from emorec.cache import Entry, SegmentCache
from emorec.data.splits.leaks import copies
from emorec.data.splits.parts import PARTS, Part
from emorec.errors import DataError
from emorec.types import Array, Clip, Values


def check_root(root: Path, name: str, layout: str) -> None:
    """Check that the root of a set is a folder.

    Args:
        root: The root.
        name: The set's name, for the message.
        layout: The expected layout, for the message.

    Raises:
        DataError: It is not.
    """
    if not root.is_dir():
        found = "is not a folder" if root.exists() else "does not exist"
        raise DataError(
            f"the root of {name}, {root}, {found}; name the folder of the set in data.root; "
            f"{layout}"
        )


def check_clips(
    clips: Sequence[Clip], more: Sequence[Clip], exclude: Sequence[str], where: str
) -> list[Clip]:
    """Return the clips that are not excluded, after checking that no id repeats.

    Args:
        clips: Clips of the set.
        more: Clips of an unlabelled corpus that supplements it.
        exclude: Ids that are left out.
        where: The set's root and its expected layout, for messages.

    Raises:
        DataError: No clip is left, an id repeats, or an excluded id does not exist.
    """
    every = [*clips, *more]
    unknown = sorted(set(exclude) - {clip.id for clip in every})
    if unknown:
        raise DataError(f"exclude names {unknown[0]!r}, which is no clip of {where.split(';')[0]}")
    left = [clip for clip in every if clip.id not in exclude]
    if len(left) == len([clip for clip in more if clip.id not in exclude]):
        raise DataError(f"no clip found in {where}")
    repeated = [i for i, count in Counter(c.id for c in left).items() if count > 1]
    if repeated:
        raise DataError(
            f"{len(repeated)} clip id(s) repeat, for instance {repeated[0]!r}; each clip needs "
            "its own (in a manifest: its own path, or a column 'id')"
        )
    return left


def check_traces(
    clips: Sequence[Clip], targets: Iterable[str], read: Callable[[Clip, str], Array]
) -> None:
    """Read the traces before hours of work on their media; warn of bad ones.

    Args:
        clips: All clips.
        targets: Names of targets with values; a clip with a trace has them in its labels.
        read: Returns the values of a clip's target.

    Raises:
        DataError: None can be used.
    """
    every = list(read_traces(clips, targets, read))
    bad = [f"{clip.id}: {found}" for clip, found in every if isinstance(found, DataError)]
    if bad and len(bad) == len(every):
        raise DataError(f"none of {len(bad)} recordings has a trace that can be used: {bad[0]}")
    if bad:
        rank_zero_warn(
            f"{len(bad)} of {len(every)} recordings have traces that cannot be used and will "
            f"be left out, for instance {bad[0]}"
        )


def read_traces(
    clips: Iterable[Clip], targets: Iterable[str], read: Callable[[Clip, str], Array]
) -> Iterator[tuple[Clip, Array | DataError]]:
    """Yield each clip's trace, float32 (steps, dimensions), or what is wrong with it.

    Arguments: see :func:`check_traces`.
    """
    for clip, target in ((c, t) for c in clips for t in targets if t in c.labels):
        try:
            yield clip, read(clip, target)
        except DataError as error:
            yield clip, error


def check_length(trace: float, recording: float) -> None:
    """Check that the times of a trace can be seconds: in other units it is far too long.

    Args:
        trace: Seconds of the trace.
        recording: Seconds of the recording plus the annotators' delay.

    Raises:
        DataError: The trace is longer than twice the recording plus a minute.
    """
    if trace > 2 * recording + 60:
        raise DataError(
            f"its trace lasts {trace:.0f} s, the recording {recording:.0f} s; expected times in "
            "seconds from the start of the recording, not milliseconds or frame numbers"
        )


def usable_clips(
    clips: Sequence[Clip],
    cache: SegmentCache,
    targets: Mapping[str, Values],
    read: Callable[[Clip, str], Array],
) -> tuple[dict[str, Entry], dict[str, dict[int, Array]]]:
    """Return the cached records of clips, and their traces; warns of clips that are left out.

    Args:
        clips: All clips of the set.
        cache: Its cache.
        targets: The targets with values.
        read: Returns the values of a clip's target, float32 (steps, dimensions).

    Returns:
        Clip id -> its cached record, and target with values -> position of a clip -> its trace.

    Raises:
        DataError: No clip is usable.
    """
    entries = _entries(clips, cache)
    return entries, _traces(clips, entries, targets, read)


def usable_parts(usable: Sequence[Clip], listed: Mapping[str, Part]) -> dict[str, Part]:
    """Return clip id -> part, of usable clips; reports how many were lost.

    Args:
        usable: The usable clips.
        listed: Clip id -> part, of all clips that were split.

    Raises:
        DataError: A part has no usable clip.
    """
    parts = {clip.id: listed[clip.id] for clip in usable if clip.id in listed}
    lost = Counter(part for clip, part in listed.items() if clip not in parts)
    kept = Counter(parts.values())
    for part in PARTS:
        if lost[part] and not kept[part]:
            raise DataError(
                f"none of the {lost[part]} clips for {part} is usable; report.csv in the cache's "
                "folder says why, clip by clip"
            )
    if lost:
        counts = ", ".join(f"{lost[part]} of {lost[part] + kept[part]} {part}" for part in PARTS)
        rank_zero_info(f"not usable, and left out after the split: {counts}")
    return parts


def check_unlabelled(
    ids: Collection[str], entries: Mapping[str, Entry], manifest: Path | None, cache: SegmentCache
) -> None:
    """Check that an unlabelled corpus, if given, has a usable clip.

    Args:
        ids: Ids of its clips; empty: no corpus is given.
        entries: Clip id -> the record of usable ones.
        manifest: Manifest of the corpus, for the message.
        cache: The set's cache, whose report says more.

    Raises:
        DataError: None is usable.
    """
    if ids and entries.keys().isdisjoint(ids):
        raise DataError(
            f"none of the {len(ids)} clips of {manifest} can be used; report.csv in "
            f"{cache.folder} says why"
        )


def _entries(clips: Sequence[Clip], cache: SegmentCache) -> dict[str, Entry]:
    """Return clip id -> its cached record, of usable clips."""
    records = {clip.id: cache.read(clip.id) for clip in clips}
    entries = {i: e for i, e in records.items() if e is not None and e.status == "ok"}
    report = cache.folder / "report.csv"
    if not entries:
        raise DataError(f"none of {len(clips)} clips is usable; {report} says why, clip by clip")
    if len(entries) < len(clips):
        rank_zero_warn(f"{len(clips) - len(entries)} clips are left out; see {report}")
    twice = copies(clips, entries)
    if twice:
        copy, kept = next(iter(twice.items()))
        rank_zero_warn(
            f"{len(twice)} clips are copies of others and are left out, for instance {copy!r} of "
            f"{kept!r}; emorec verify lists them"
        )
    return {i: entry for i, entry in entries.items() if i not in twice}


def _traces(
    clips: Sequence[Clip],
    entries: dict[str, Entry],
    targets: Mapping[str, Values],
    read: Callable[[Clip, str], Array],
) -> dict[str, dict[int, Array]]:
    """Return target -> position of a clip -> its trace.

    A clip whose trace cannot be used is removed from ``entries``, like one that cannot be read.
    """
    traces: dict[str, dict[int, Array]] = {target: {} for target in targets}
    bad = []
    for position, clip in enumerate(clips):
        for target, form in targets.items() if clip.id in entries else ():
            if target not in clip.labels:
                continue
            try:
                found = read(clip, target)
                check_length(len(found) * form.step, entries[clip.id].duration + form.delay)
            except DataError as error:
                del entries[clip.id]
                bad.append(f"{clip.id}: {error}")
                break
            traces[target][position] = found
    for reason in bad:
        rank_zero_warn(f"left out: {reason}")
    if bad and not entries:
        raise DataError(f"none of {len(clips)} recordings has a trace that can be used: {bad[0]}")
    if bad:
        rank_zero_warn(f"{len(bad)} of {len(clips)} recordings are left out for their traces")
    return traces
