"""From clips on disk to records in the cache, and reports on them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lightning.pytorch.utilities import rank_zero_info

from emorec.cache import CacheSource, Entry, WorkPlan, build
from emorec.cache.overview import write_overview
from emorec.data.usable import check_traces
from emorec.system.files import digest
from emorec.types import Array, Clip, Target, Values


def name_of_set(*parts: str, root: Path) -> str:
    """Return the prefix of the names of a set's caches.

    Args:
        parts: Parts of the set's name; empty ones are ignored.
        root: Its folder: six hex digits of its path distinguish sets of one name.
    """
    return "-".join([*filter(None, parts), digest(str(root.resolve()), 3).hex()])


def preprocess_clips(
    source: CacheSource,
    clips: Sequence[Clip],
    targets: Mapping[str, Target],
    read: Callable[[Clip, str], Array],
    work: WorkPlan,
) -> list[Entry]:
    """Cache missing clips, write the reports, and return all records.

    Args:
        source: How clips become segments.
        clips: All clips of the set.
        targets: Name -> target; the page counts the labels of the first one.
        read: Returns the values of a clip's target, float32 (steps, dimensions).
        work: Worker processes, device, and shard: a shard writes no ``report.html``.

    Raises:
        DataError: Clips have annotations over time, but none can be used.
    """
    values = [name for name, target in targets.items() if isinstance(target, Values)]
    check_traces(clips, values, read)
    cache = source.cache()
    table, page = cache.folder / "report.csv", cache.folder / "report.html"
    before = table.read_bytes() if table.is_file() else b""
    made = build(source, clips, work, say=rank_zero_info)
    if work.shard[1] == 1 and not (page.is_file() and table.read_bytes() == before):
        name, target = next(iter(targets.items()))
        write_overview(page, made, clips, target.names, cache, name)
        rank_zero_info(f"pictures and counts: {page}")
    return made
