"""Fills the cache: one clip per task, in worker processes, each clip fully or not at all."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from emorec.cache.entry import Entry, make_entry
from emorec.cache.report import write_report
from emorec.cache.store import SegmentCache, fingerprint
from emorec.extractors import Extractor
from emorec.extractors.sidecars import sidecar_digests
from emorec.system.files import check_writable
from emorec.system.progress import progress
from emorec.system.workers import worker_pool
from emorec.types import Clip
from emorec.windows.base import Windows

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CacheSource:
    """How the clips of one data set become segments.

    Attributes:
        name: Name of the set; the cache's folder starts with it.
        root: Folder that media paths are relative to.
        folder: Folder that holds all caches.
        windows: Where clips are cut.
        extractors: Modality -> extractor.
    """

    name: str
    root: Path
    folder: Path
    windows: Windows
    extractors: Mapping[str, Extractor]

    def cache(self) -> SegmentCache:
        """Return the cache of this set and these options."""
        print_of = fingerprint(self.windows, self.extractors)
        return SegmentCache(self.folder / f"{self.name}-{print_of}")

    def current(self, clip: Clip, cache: SegmentCache | None = None) -> Entry | None:
        """Return a clip's cached record if its files are unchanged, else None.

        Args:
            clip: The clip.
            cache: What :meth:`cache` returned, which takes time to make; None: made now.
        """
        digests = sidecar_digests(clip, self.root, self.extractors)
        return (cache or self.cache()).current(clip, self.root / clip.file, digests)

    def bytes_per_clip(self, windows: int) -> int:
        """Return the size of one clip's arrays in bytes, for a number of windows."""
        return windows * sum(
            int(np.prod(e.shape)) * np.dtype(e.dtype).itemsize for e in self.extractors.values()
        )


@dataclass(frozen=True, slots=True)
class WorkPlan:
    """How the work is divided; it does not affect what is cached.

    Attributes:
        workers: Worker processes; 0: work in this process.
        shard: (i, n) takes every n-th clip from the i-th on, so that n machines with the same clips
            and a shared disk divide them; its report is ``report-i-of-n.csv``.
        device: Where faces are detected.
        at_once: Clips that a worker process handles at once, each in a thread, so that their
            frames share batches of the detector.
    """

    workers: int = 1
    shard: tuple[int, int] = (1, 1)
    device: str = "cpu"
    at_once: int = 1


def build(
    source: CacheSource,
    clips: Sequence[Clip],
    work: WorkPlan,
    *,
    say: Callable[[str], None] = log.info,
) -> list[Entry]:
    """Cache the clips that are missing, write ``report.csv``, and return all records.

    Cached clips are left alone, so a run that was interrupted or killed resumes where it was. A
    clip that cannot be read is skipped, with its reason in the report; so is one whose worker
    process dies.

    Args:
        source: The set and its options.
        clips: Its clips.
        work: Worker processes, shard and device.
        say: Called with each line that a user should read.

    Raises:
        OSError: The cache cannot be written, for instance if the disk is full.
    """
    cache = source.cache()
    check_writable(cache.folder, "--data.cache")
    cache.sweep()
    number, of = work.shard
    clips = clips[number - 1 :: of]
    report = cache.folder / ("report.csv" if of == 1 else f"report-{number}-of-{of}.csv")
    cached = ((clip.id, source.current(clip, cache)) for clip in clips)
    done = {name: entry for name, entry in cached if entry is not None}
    missing = [clip for clip in clips if clip.id not in done]
    if missing:
        windows = len(source.windows("", 60.0))
        size = source.bytes_per_clip(windows) * len(missing) / 2**20
        say(
            f"preprocessing {len(missing)} of {len(clips)} clips with {work.workers} worker(s) "
            f"into {cache.folder} (about {size:.0f} MiB); it can be interrupted and resumed, and "
            "emorec preprocess does it beforehand, on any machine"
        )
        bar = progress(total=len(missing), unit="clip", desc="preprocess")
        warned = 0
        with bar:
            for entry in _process(source, missing, work):
                done[entry.id] = entry
                warned += bool(entry.findings) or entry.status != "ok"
                bar.set_postfix(warnings=warned, refresh=False)
                bar.update()
    entries = [done[clip.id] for clip in clips]
    say(f"{write_report(entries, report)}; {report}")
    return entries


def _process(source: CacheSource, clips: Sequence[Clip], work: WorkPlan) -> Iterator[Entry]:
    if work.workers == 0:
        _use(source, replace(work, at_once=1))
        yield from (_cache_clip(source, clip) for clip in clips)
        return
    waiting = {clip.id: clip for clip in clips}
    while waiting:
        for entry in _pool(source, list(waiting.values()), work):
            del waiting[entry.id]
            yield entry
        # A worker that dies takes its pool down. The clips it may have had are done one by one,
        # in a process each, which finds the one that kills it; then the rest continues.
        for clip in list(waiting.values())[: (2 * work.workers + 1) * work.at_once]:
            results = list(_pool(source, [clip], replace(work, workers=1, at_once=1)))
            del waiting[clip.id]
            yield results[0] if results else _died(clip)


def _pool(source: CacheSource, clips: Sequence[Clip], work: WorkPlan) -> Iterator[Entry]:
    """Yield records as they are made; ends early if a worker process dies."""
    parts = [clips[i : i + work.at_once] for i in range(0, len(clips), work.at_once)]
    with worker_pool(min(work.workers, len(parts)), _use, source, work) as pool:
        futures: list[Future[list[Entry]]] = [pool.submit(_work, part) for part in parts]
        for future in as_completed(futures):
            try:
                yield from future.result()
            except BrokenProcessPool:
                return


def _cache_clip(source: CacheSource, clip: Clip) -> Entry:
    cache = source.cache()
    cached = source.current(clip)
    if cached is not None:  # by another process in the meantime
        return cached
    entry, arrays = make_entry(clip, source.root, source.windows, source.extractors)
    if entry.digest:
        cache.write(entry, arrays)
    return entry


def _died(clip: Clip) -> Entry:
    """Return a record of a clip whose worker died; it is not cached, so it is retried."""
    brief = "the worker process died while reading it"
    return Entry(
        id=clip.id,
        path=clip.file.as_posix(),
        group=clip.group,
        status="skipped",
        reason=f"{brief} (out of memory, or a crash in a codec)",
        brief=brief,
    )


_source: CacheSource | None = None  # per worker process; its extractors keep their loaded models


def _use(source: CacheSource, work: WorkPlan) -> None:
    global _source
    _source = source
    for extractor in source.extractors.values():
        extractor.use(work.device, work.at_once)


def _work(clips: Sequence[Clip]) -> list[Entry]:
    """Cache some clips, several at once in threads; a single one in the main thread."""
    assert _source is not None
    if len(clips) == 1:  # time limits can interrupt only the main thread
        return [_cache_clip(_source, clips[0])]
    with ThreadPoolExecutor(len(clips)) as threads:
        return list(threads.map(partial(_cache_clip, _source), clips))
