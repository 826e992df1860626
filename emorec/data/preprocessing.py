"""From clips on disk to records in the cache, and the reports on them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lightning.pytorch.utilities import rank_zero_info

from emorec.cache import CacheSource, Entry, WorkPlan, build
from emorec.cache.overview import write_overview
from emorec.data.usable import check_traces
from emorec.system.files import digest
from emorec.types import Array, Clip, Target, Values


def name_of_set(*parts: str, root: Path) -> str:
    """Return the name that a set's caches start with.

    Args:
        parts: What the set is called; empty ones do not count.
        root: Its folder: six hex digits of its place tell sets of one name apart.
    """
    return "-".join([*filter(None, parts), digest(str(root.resolve()), 3).hex()])


def preprocess_clips(
    source: CacheSource,
    clips: Sequence[Clip],
    targets: Mapping[str, Target],
    read: Callable[[Clip, str], Array],
    work: WorkPlan,
) -> list[Entry]:
    """Cache what is missing and return all records; write the reports.

    Args:
        source: How clips become segments.
        clips: All of the set.
        targets: Name -> target; the page counts the labels of the first one.
        read: Returns the values of a clip's target, float32 (steps, dimensions).
        work: Worker processes, device, and shard: one shard writes no ``report.html``.

    Raises:
        DataError: There are annotations over time, and none can be used.
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
