"""Which clips of a set can be used: those that are cached, whole, and no copies of others."""

from collections.abc import Sequence

from lightning.pytorch.utilities import rank_zero_warn

from emorec.cache import Entry, SegmentCache
from emorec.data.errors import DataError
from emorec.data.leaks import copies
from emorec.types import Clip


def usable_entries(clips: Sequence[Clip], cache: SegmentCache) -> dict[str, Entry]:
    """Return clip id -> its cached record; warns of what is left out.

    Args:
        clips: The clips of the set.
        cache: Its cache.

    Raises:
        DataError: No clip is usable.
    """
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
