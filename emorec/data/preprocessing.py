"""From clips on disk to records in the cache, and the reports on them."""

from collections.abc import Mapping, Sequence

from lightning.pytorch.utilities import rank_zero_info

from emorec.cache import CacheSource, Entry, WorkPlan, build
from emorec.cache.overview import write_overview
from emorec.types import Clip, Target


def preprocess_clips(
    source: CacheSource, clips: Sequence[Clip], targets: Mapping[str, Target], work: WorkPlan
) -> list[Entry]:
    """Cache what is missing and return all records; write the reports.

    Args:
        source: How clips become segments.
        clips: All of the set.
        targets: Name -> target; the page counts the labels of the first one.
        work: Worker processes, device, and shard: one shard writes no ``report.html``.
    """
    cache = source.cache()
    table, page = cache.folder / "report.csv", cache.folder / "report.html"
    before = table.read_bytes() if table.is_file() else b""
    made = build(source, clips, work, say=rank_zero_info)
    if work.shard[1] == 1 and not (page.is_file() and table.read_bytes() == before):
        name, target = next(iter(targets.items()))
        write_overview(page, made, clips, target.names, cache, name)
        rank_zero_info(f"pictures and counts: {page}")
    return made
