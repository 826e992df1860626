"""The segment cache on disk: one folder per clip, written atomically, read by memory map."""

import errno
import io
import json
import re
import shutil
import tempfile
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from emorec.cache.entry import Entry
from emorec.extractors import Extractor
from emorec.media import DECODING
from emorec.system.described import described
from emorec.system.files import digest, digest_file, write_text
from emorec.types import Array, Clip
from emorec.windows.base import Windows

FORMAT = 3  # raise it when the layout of an entry changes
SMALL = 1 << 16  # bytes of an array that is kept in memory
ROOM = 1 << 27  # bytes of all of them
OPEN = 256  # memory maps kept open; each holds a file descriptor, of which a process has ~1000

STALE = 3600.0  # seconds; writing an entry takes less than one


def fingerprint(windows: Windows, extractors: Mapping[str, Extractor]) -> str:
    """Return 12 hex digits that change with any option that affects the cached arrays.

    They cover the cache format, the version of decoding, the windows, and each extractor's class,
    version and arguments.
    """
    parts: dict[str, Any] = {
        "format": FORMAT,
        "decoding": DECODING,
        "windows": described(windows),
        "extractors": {
            name: [extractor.version, described(extractor)]
            for name, extractor in sorted(extractors.items())
        },
    }
    text = json.dumps(parts, sort_keys=True)
    return digest(text, 6).hex()


class SegmentCache:
    """Cached segments of one data set under one fingerprint.

    An entry is a folder with ``entry.json`` and one ``<modality>.npy`` per modality. It is written
    under a temporary name and renamed, so a killed run leaves no partial entry, and several
    processes, also on several machines that share the disk, may write at once.

    Args:
        folder: Folder of the entries; created with the first one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._maps: OrderedDict[tuple[str, str], Array] = OrderedDict()
        self._small: dict[tuple[str, str], Array] = {}
        self._room = ROOM

    def entry_folder(self, clip_id: str) -> Path:
        """Return the folder of a clip's entry: a readable prefix and a digest of its id."""
        readable = re.sub(r"[^A-Za-z0-9._-]+", "_", clip_id)[:60].strip(".")
        return self.folder / f"{readable}-{digest(clip_id, 6).hex()}"

    def read(self, clip_id: str) -> Entry | None:
        """Return a clip's record; None if it has none, or one of another version of emorec."""
        try:
            text = (self.entry_folder(clip_id) / "entry.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        record = json.loads(text)
        try:
            return Entry.from_dict(record)
        except (TypeError, ValueError):  # made again, rather than misread
            return None

    def current(
        self, clip: Clip, media: Path, sidecars: Mapping[str, str] | None = None
    ) -> Entry | None:
        """Return a clip's record if it was made from exactly these files and this part, else None.

        A media file of the same size and modification time counts as unchanged; otherwise its
        content decides. If a file is gone, its cached arrays remain valid.

        Args:
            clip: The clip.
            media: Its media file, or the file that stands in for it.
            sidecars: What :func:`~emorec.extractors.sidecars.sidecar_digests` returns now.
        """
        entry = self.read(clip.id)
        if entry is None or entry.span != list(clip.span or ()):
            return None
        if not media.is_file():
            return entry
        now = sidecars or {}
        gone = {name for name in clip.sidecars if name not in now}
        if {name: value for name, value in entry.sidecars.items() if name not in gone} != now:
            return None
        stat = media.stat()
        if stat.st_size != entry.size:
            return None
        if stat.st_mtime_ns == entry.mtime_ns or digest_file(media) == entry.digest:
            return entry
        return None

    def write(self, entry: Entry, arrays: Mapping[str, Array]) -> None:
        """Store a clip's record and arrays, replacing an older entry.

        Raises:
            OSError: The disk is full (the message says what to do), or not writable.
        """
        target = self.entry_folder(entry.id)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=".writing-", dir=self.folder))
        except OSError as error:
            raise _explain(error, self.folder) from error
        try:
            for name, array in arrays.items():
                # numpy's own file writing loses the system's error number.
                buffer = io.BytesIO()
                np.save(buffer, array)
                (temporary / f"{name}.npy").write_bytes(buffer.getbuffer())
                self._maps.pop((entry.id, name), None)
                self._room += getattr(self._small.pop((entry.id, name), None), "nbytes", 0)
            text = json.dumps(entry.to_dict(), ensure_ascii=False)
            write_text(temporary / "entry.json", text)
            temporary.chmod(0o755)
            self._move(temporary, target)
        except OSError as error:
            raise _explain(error, self.folder) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def sweep(self) -> None:
        """Delete what killed processes left incomplete: temporary files older than an hour."""
        for path in self.folder.glob(".*"):
            with suppress(FileNotFoundError):  # another process may sweep, too
                if time.time() - path.stat().st_mtime <= STALE:
                    continue
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()

    def _move(self, temporary: Path, target: Path) -> None:
        for _ in range(100):
            try:
                temporary.rename(target)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                if _made_of(target) == _made_of(temporary):
                    return  # another process was first, with the same files
                # An older entry: move it aside, as a folder cannot be replaced in one step.
                aside = tempfile.mkdtemp(prefix=".old-", dir=self.folder)
                with suppress(FileNotFoundError):  # another process just did the same
                    target.rename(aside)
                shutil.rmtree(aside, ignore_errors=True)
            else:
                return
        raise OSError(errno.EBUSY, "another process keeps writing this entry", str(target))

    def array(self, clip_id: str, modality: str) -> Array:
        """Return the array (windows, *shape) of a clip whose status is ``ok``, not to be changed.

        It is memory-mapped, or a copy in memory if it is small: a vector per clip would otherwise
        be opened anew in each epoch, which takes longer than training on it.
        """
        key = clip_id, modality
        if key in self._small:
            return self._small[key]
        if key not in self._maps:
            path = self.entry_folder(clip_id) / f"{modality}.npy"
            array: Array = np.load(path, mmap_mode="r")
            if array.nbytes <= min(SMALL, self._room):
                self._small[key] = array = np.array(array)
                array.flags.writeable = False
                self._room -= array.nbytes
                return array
            self._maps[key] = array
            if len(self._maps) > OPEN:
                self._maps.popitem(last=False)
        self._maps.move_to_end(key)
        return self._maps[key]

    def __getstate__(self) -> dict[str, Any]:
        # Loader workers open their own.
        return {"folder": self.folder, "_maps": OrderedDict(), "_small": {}, "_room": ROOM}


def _made_of(folder: Path) -> tuple[Any, ...] | None:
    """Return what identifies an entry's content; None if the entry does not exist.

    This includes the names of the fields, so that a record of another version is replaced.
    """
    try:
        record = json.loads((folder / "entry.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return sorted(record), record["digest"], record["span"], record.get("sidecars", {})


def _explain(error: OSError, folder: Path) -> OSError:
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return error
    return OSError(
        error.errno,
        f"no space left in the cache folder {folder}. What it holds stays valid: free some "
        "space and run the same command again, or name another folder with --data.cache, which "
        "starts empty",
    )
