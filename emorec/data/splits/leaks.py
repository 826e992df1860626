"""What parts of a split must not share: clips, files, content, and speakers where promised."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from lightning.pytorch.utilities import rank_zero_warn

from emorec.cache import Entry
from emorec.data.splits.parts import SHARES_NO_SPEAKER, Part
from emorec.errors import UserError
from emorec.types import Clip

ROUNDING = 0.05  # seconds; ends of clips that touch may be rounded


class LeakError(UserError):
    """Two parts of a split share clips, content or speakers; the message says what."""


def check_leaks(
    clips: Sequence[Clip],
    parts: Mapping[str, Part],
    entries: Mapping[str, Entry],
    split: str,
) -> None:
    """Check that the parts of a split share nothing that they promise not to share.

    Clips of one file, or of the same content, must not overlap in time. Where two known speakers
    talk at once, both may have a clip of it: that is only a warning.

    Args:
        clips: The clips.
        parts: Clip id -> part.
        entries: Clip id -> its cached record, which has the digest of the file's content.
        split: Name of the split; some promise disjoint speakers.

    Raises:
        LeakError: Two parts have the same media file, the same content, or the same speaker.
    """
    used = [clip for clip in clips if clip.id in parts]
    media: dict[str, Callable[[Clip], str]] = {
        "file": lambda clip: clip.file.as_posix(),
        "content": lambda clip: entries[clip.id].digest if clip.id in entries else "",
    }
    found: dict[str, list[tuple[Clip, Clip]]] = {
        kind: list(_overlapping(used, parts, key)) for kind, key in media.items()
    }
    if split in SHARES_NO_SPEAKER:
        found["speaker"] = list(_of_one_speaker(used, parts))
    for kind, pairs in found.items():
        shared = [pair for pair in pairs if not _two_speakers(*pair)]
        if shared:
            example = ", ".join(f"{clip.id!r} ({parts[clip.id]})" for clip in shared[0])
            raise LeakError(
                f"the same {kind} is in several parts of split {split}, {len(shared)} time(s), for "
                f"instance of clips {example}. A test that training has seen means nothing: "
                "correct the list of clips, or leave copies out with --data.exclude '[ID, ...]' "
                "(emorec verify lists them)"
            )
        if pairs:
            one, other = pairs[0]
            rank_zero_warn(
                f"{len(pairs)} pairs of clips of different speakers overlap in time and are in "
                f"different parts of split {split}, for instance {one.id!r} and {other.id!r}: "
                "sound of tested clips was heard in training"
            )


def _overlapping(
    clips: Sequence[Clip], parts: Mapping[str, Part], key: Callable[[Clip], str]
) -> Iterator[tuple[Clip, Clip]]:
    """Yield pairs of clips in different parts that overlap in the same file."""
    files: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        if key(clip):
            files[key(clip)].append(clip)
    for same in files.values():
        going: list[Clip] = []
        for clip in sorted(same, key=lambda c: _span(c)[0]):
            going = [other for other in going if _span(other)[1] > _span(clip)[0] + ROUNDING]
            apart = (other for other in going if parts[other.id] != parts[clip.id])
            yield from ((other, clip) for other in apart)
            going.append(clip)


def _span(clip: Clip) -> tuple[float, float]:
    return clip.span or (0.0, math.inf)


def _of_one_speaker(
    clips: Sequence[Clip], parts: Mapping[str, Part]
) -> Iterator[tuple[Clip, Clip]]:
    """Yield a pair of clips in different parts for each speaker who has one."""
    first: dict[str, Clip] = {}
    pairs: dict[str, tuple[Clip, Clip]] = {}
    for clip in clips:
        other = first.setdefault(clip.group, clip) if clip.group else clip
        if parts[other.id] != parts[clip.id]:
            pairs.setdefault(clip.group, (other, clip))
    yield from pairs.values()


def _two_speakers(one: Clip, other: Clip) -> bool:
    """Return whether two clips of one recording are known to be of different speakers."""
    known = all(clip.group and clip.span and clip.labels for clip in (one, other))
    return known and one.group != other.group and one.span != other.span


def copies(clips: Sequence[Clip], entries: Mapping[str, Entry]) -> dict[str, str]:
    """Return clip -> the earlier one that it copies, with the same content and labels.

    RAVDESS has such a pair (actor 7, both repetitions of a happy sentence). Counted twice, it would
    weigh more, and could be on both sides of a split. Content is what extractors read, including
    sidecar files; for a target with values, the label is the file of its trace.
    """
    first: dict[tuple[object, ...], str] = {}
    found = {}
    for clip in clips:
        entry = entries.get(clip.id)
        if entry is None or not entry.digest:
            continue
        labels = [
            (name, str(clip.sidecars.get(name, "")) if label == () else label)
            for name, label in sorted(clip.labels.items())
        ]
        what = entry.digest, repr(entry.span), repr(sorted(entry.sidecars.items())), repr(labels)
        kept = first.setdefault(what, clip.id)
        if kept != clip.id:
            found[clip.id] = kept
    return found


def shares_speakers(clips: Sequence[Clip], parts: Mapping[str, Part]) -> bool | None:
    """Return whether a test speaker is in training, too; None if speakers are unknown."""
    groups: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        if clip.id in parts:
            groups[parts[clip.id]].add(clip.group)
    if "" in groups["test"] | groups["train"]:
        return None
    return bool(groups["test"] & groups["train"])
