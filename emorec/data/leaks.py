"""What must not be on both sides of a split: clips, files, content, and speakers where promised."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from emorec.cache import Entry
from emorec.data.splits import SHARES_NO_SPEAKER, Part
from emorec.errors import UserError
from emorec.types import Clip


class LeakError(UserError):
    """Something of the test clips is in training or validation; the message says what."""


def check_leaks(
    clips: Sequence[Clip],
    parts: Mapping[str, Part],
    entries: Mapping[str, Entry],
    split: str,
) -> None:
    """Check that the parts of a split share nothing that they promise not to share.

    Args:
        clips: The clips.
        parts: Clip id -> part.
        entries: Clip id -> its cached record, which has the digest of the file's content.
        split: Name of the split; some promise disjoint speakers.

    Raises:
        LeakError: Two parts have the same media file, the same content, or the same speaker.
    """
    used = [clip for clip in clips if clip.id in parts]
    kinds: dict[str, Callable[[Clip], str]] = {
        "file": lambda clip: f"{clip.media.as_posix()} {clip.span or ''}",
        "content": lambda clip: _content(entries[clip.id]) if clip.id in entries else "",
    }
    if split in SHARES_NO_SPEAKER:
        kinds["speaker"] = lambda clip: clip.group
    for kind, key in kinds.items():
        found: dict[str, dict[Part, str]] = defaultdict(dict)
        for clip in used:
            found[key(clip)].setdefault(parts[clip.id], clip.id)
        shared = [ids for value, ids in found.items() if value and len(ids) > 1]
        if shared:
            example = ", ".join(f"{name!r} ({part})" for part, name in sorted(shared[0].items()))
            raise LeakError(
                f"the same {kind} is in several parts of split {split}, {len(shared)} time(s), for "
                f"instance of clips {example}. A test that training has seen means nothing: "
                "correct the list of clips, or leave copies out with --data.exclude '[ID, ...]' "
                "(emorec verify lists them)"
            )


def _content(entry: Entry) -> str:
    return entry.digest and f"{entry.digest} {entry.span}"


def copies(clips: Sequence[Clip], entries: Mapping[str, Entry]) -> dict[str, str]:
    """Return clip -> the earlier one of which it is a copy: the same content and labels.

    RAVDESS has such a pair (actor 7, both repetitions of a happy sentence). A copy counts once:
    twice, it would weigh more, and could be on both sides of a split.
    """
    first: dict[tuple[str, str], str] = {}
    found = {}
    for clip in clips:
        content = _content(entries[clip.id]) if clip.id in entries else ""
        if content:
            kept = first.setdefault((content, repr(sorted(clip.labels.items()))), clip.id)
            if kept != clip.id:
                found[clip.id] = kept
    return found


def shares_speakers(clips: Sequence[Clip], parts: Mapping[str, Part]) -> bool | None:
    """Return whether a test speaker is in training, too; None where speakers are not known."""
    groups: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        if clip.id in parts:
            groups[parts[clip.id]].add(clip.group)
    if "" in groups["test"] | groups["train"]:
        return None
    return bool(groups["test"] & groups["train"])
