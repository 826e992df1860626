"""Housekeeping in the folder of caches: listing and deleting them."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emorec.cache.report import remove_row, reports


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """One cache: a data set under one fingerprint.

    Attributes:
        folder: Its folder, named by the set and the fingerprint.
        clips: Number of records.
        size: Bytes.
        used: When preprocessing last used it, in seconds since the epoch.
    """

    folder: Path
    clips: int
    size: int
    used: float

    @property
    def set_name(self) -> str:
        """Name of the data set."""
        return self.folder.name.rpartition("-")[0]

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the options, 12 hex digits."""
        return self.folder.name.rpartition("-")[2]


def caches(place: Path) -> list[CacheInfo]:
    """Return the caches below a folder, by name.

    Only a folder that preprocessing wrote counts: its name ends with a fingerprint, and it has
    a record or a report. Those of killed runs and of single shards count, too.

    Args:
        place: The folder named by ``data.cache``.
    """
    found = []
    for folder in sorted(place.glob("*-*")) if place.is_dir() else []:
        fingerprint = folder.name.rpartition("-")[2]
        is_cache = len(fingerprint) == 12 and set(fingerprint) <= set("0123456789abcdef")
        clips = sum(1 for _ in folder.glob("*/entry.json")) if is_cache else 0
        written = reports(folder) if is_cache else []
        if clips or written:
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            used = max(path.stat().st_mtime for path in written or [folder])
            found.append(CacheInfo(folder, clips, size, used))
    return found


def stale(kept: list[CacheInfo]) -> list[CacheInfo]:
    """Return the caches of each data set except the most recently used one."""
    newest: dict[str, CacheInfo] = {}
    for cache in kept:
        if cache.set_name not in newest or cache.used > newest[cache.set_name].used:
            newest[cache.set_name] = cache
    return [cache for cache in kept if cache is not newest[cache.set_name]]


def find_entries(place: Path, matches: Callable[[dict[str, Any]], bool]) -> Iterator[Path]:
    """Yield the folders of records in all caches that match.

    Args:
        place: The folder named by ``data.cache``.
        matches: Called with each record, the content of its ``entry.json``.
    """
    for cache in caches(place):
        for path in sorted(cache.folder.glob("*/entry.json")):
            with suppress(FileNotFoundError):  # another process may delete, too
                if matches(json.loads(path.read_text(encoding="utf-8"))):
                    yield path.parent


def delete_entry(folder: Path) -> None:
    """Delete a clip's record and arrays, its rows in reports, and pages that show it."""
    record = json.loads((folder / "entry.json").read_text(encoding="utf-8"))
    delete(folder)
    for report in reports(folder.parent):
        remove_row(report, record["id"])
    for page in ("report.html", "verify.csv"):  # written again by the next run
        (folder.parent / page).unlink(missing_ok=True)


def delete(folder: Path) -> None:
    """Delete a cache or an entry: it disappears in one step, its files a moment later."""
    with suppress(FileNotFoundError):
        aside = Path(tempfile.mkdtemp(prefix=".old-", dir=folder.parent))
        folder.rename(aside / folder.name)
        shutil.rmtree(aside)


def age(used: float) -> str:
    """Return how long ago that was, in words."""
    hours = max(0.0, time.time() - used) / 3600
    return f"{hours / 24:.0f} days ago" if hours >= 48 else f"{hours:.0f} hours ago"
