"""Keeping house in the folder of caches: what lies there, and deleting some of it."""

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
        folder: Where it lies; its name is the set's name and the fingerprint.
        clips: Number of records.
        size: Bytes.
        used: When preprocessing last went through it, in seconds since the epoch.
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
    a record or a report. A killed run and one of several shards count, too.

    Args:
        place: What ``data.cache`` names.
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
    """Return the caches of each data set but the one that was used last."""
    newest: dict[str, CacheInfo] = {}
    for cache in kept:
        if cache.set_name not in newest or cache.used > newest[cache.set_name].used:
            newest[cache.set_name] = cache
    return [cache for cache in kept if cache is not newest[cache.set_name]]


def find_entries(place: Path, matches: Callable[[dict[str, Any]], bool]) -> Iterator[Path]:
    """Yield the folders of records in all caches that match.

    Args:
        place: What ``data.cache`` names.
        matches: Is called with each record, the content of its ``entry.json``.
    """
    for cache in caches(place):
        for path in sorted(cache.folder.glob("*/entry.json")):
            with suppress(FileNotFoundError):  # another process deletes, too
                if matches(json.loads(path.read_text(encoding="utf-8"))):
                    yield path.parent


def delete_entry(folder: Path) -> None:
    """Delete a clip's record and arrays, its rows in reports, and what else names or shows it."""
    record = json.loads((folder / "entry.json").read_text(encoding="utf-8"))
    delete(folder)
    for report in reports(folder.parent):
        remove_row(report, record["id"])
    for page in ("report.html", "verify.csv"):  # are written anew
        (folder.parent / page).unlink(missing_ok=True)


def delete(folder: Path) -> None:
    """Delete a cache, or what is in one: it is gone in one step, its files a moment later."""
    with suppress(FileNotFoundError):
        aside = Path(tempfile.mkdtemp(prefix=".old-", dir=folder.parent))
        folder.rename(aside / folder.name)
        shutil.rmtree(aside)


def age(used: float) -> str:
    """Return how long ago that was, for people."""
    hours = max(0.0, time.time() - used) / 3600
    return f"{hours / 24:.0f} days ago" if hours >= 48 else f"{hours:.0f} hours ago"
