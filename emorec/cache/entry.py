"""What is cached of one clip, and how it is made."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from emorec.errors import UserError
from emorec.extractors import Extractor
from emorec.extractors.sidecars import (
    has_own_media,
    open_media,
    own_media,
    sidecar_digests,
    with_whole_paths,
)
from emorec.media import MediaError
from emorec.system.files import digest_as_it_is
from emorec.system.findings import Finding, all_in_words
from emorec.system.workers import TimeLimitError, time_limit
from emorec.types import Array, Clip
from emorec.windows.base import Windows

# Seconds that a step may take, plus more per second of the clip. Decoding 4K on a slow core takes
# about twice the clip's length.
LIMIT, LIMIT_PER_SECOND = 120.0, 10.0


@dataclass(frozen=True, slots=True)
class Entry:
    """The record of one clip: what was cut from it, or why nothing was.

    Attributes:
        id: Id of the clip.
        path: Media file as the data set names it; see :attr:`emorec.types.Clip.file`.
        status: ``ok`` or ``skipped``.
        span: The part of the file that is the clip, (start, end) in seconds; empty: all of it.
        group: Speaker, so that all of a speaker's data can be deleted.
        reason: Why the clip was skipped; empty if it was not.
        brief: The same in words shared by all clips that are skipped for it.
        findings: What is unusual but was handled.
        duration: Seconds.
        windows: (start, end) in seconds.
        present: Modality -> one bool per window.
        facts: Columns of the report: windows with a face, sound level, ...
        size: Bytes of the media file.
        mtime_ns: Its modification time, in nanoseconds.
        digest: blake2b of its content; empty if it was missing, unreadable, or failed
            unexpectedly: such a record is reported but not cached.
        sidecars: What extractors read besides the media file -> blake2b of its content, see
            :func:`~emorec.extractors.sidecars.sidecar_digests`.
    """

    id: str
    path: str
    status: str
    group: str = ""
    span: list[float] = field(default_factory=list)
    reason: str = ""
    brief: str = ""
    findings: list[Finding] = field(default_factory=list)
    duration: float = 0.0
    windows: list[list[float]] = field(default_factory=list)
    present: dict[str, list[bool]] = field(default_factory=dict)
    facts: dict[str, int | float | str] = field(default_factory=dict)
    size: int = 0
    mtime_ns: int = 0
    digest: str = ""
    sidecars: dict[str, str] = field(default_factory=dict)

    @property
    def nothing_usable(self) -> bool:
        """Whether it could be read and cut, but no window has a modality."""
        return bool(self.windows) and not any(map(any, self.present.values()))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the entry of a record that :meth:`to_dict` made, also after a JSON round trip.

        Raises:
            TypeError: The record is of another version: it has an unknown field.
            ValueError: It has an unknown kind of finding.
        """
        findings = [Finding.from_dict(each) for each in record.get("findings", [])]
        return cls(**{**record, "findings": findings})


def _identity(path: Path) -> dict[str, Any]:
    """Return size, modification time and digest of a file; empty if it cannot be read."""
    try:
        stat = path.stat()
        digest = digest_as_it_is(path, stat.st_size, stat.st_mtime_ns)
    except OSError:
        return {}
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "digest": digest}


def make_entry(
    clip: Clip, root: Path, windows: Windows, extractors: Mapping[str, Extractor]
) -> tuple[Entry, dict[str, Array]]:
    """Cut a clip into windows and extract each modality.

    Args:
        clip: The clip; it has a media file, or sidecars.
        root: Folder that its paths are relative to; extractors get absolute ones.
        windows: Where to cut.
        extractors: Modality -> extractor. One whose modality has its own media file (a sidecar
            of that name which it does not read itself) gets that file as its media.

    Returns:
        The record, and modality -> array (windows, *shape) with zeros where it is absent; no
        arrays if the clip is skipped. Any failure skips the clip, with its reason, except for
        errors of this machine (out of memory) and of options, which are raised.

    Raises:
        UserError: An extractor's options do not fit, or a package is missing.
    """
    path = root / clip.file
    record: dict[str, Any] = {
        "id": clip.id,
        "path": clip.file.as_posix(),
        "group": clip.group,
        "span": list(clip.span or ()),
    }
    limit = LIMIT
    try:
        # Before they are read, so that changes in the meantime make the record stale.
        record["sidecars"] = sidecar_digests(clip, root, extractors)
        clip = with_whole_paths(clip, root)
        with time_limit(limit):
            media = open_media(clip, extractors)
        limit += LIMIT_PER_SECOND * media.duration
        record["duration"] = round(media.duration, 4)
        with time_limit(limit):
            spans, findings = windows.cut(clip.id, media)
        record["findings"] = [*media.findings, *findings]
        arrays: dict[str, Array] = {}
        present: dict[str, list[bool]] = {}
        for name, extractor in sorted(extractors.items()):
            with time_limit(limit):
                own = media
                if has_own_media(clip, name, extractor):
                    own = own_media(clip, name)
                    record["findings"] += own.findings
                found = extractor.extract(clip, own, spans)
            # Several modalities may lack the same.
            record["findings"] = list(dict.fromkeys([*record["findings"], *found.findings]))
            record.setdefault("facts", {}).update(found.facts)
            present[name] = [array is not None for array in found.arrays]
            blank = np.zeros(extractor.shape, extractor.dtype)
            arrays[name] = np.stack([blank if a is None else a for a in found.arrays])
    except MediaError as error:
        return _skipped({**record, **_identity(path)}, error), {}
    except TimeLimitError:
        # Not cached: the machine may have been busy.
        reason = f"took longer than {limit:.0f} s (damaged, or the machine is too slow for it)"
        return Entry(**record, status="skipped", reason=reason, brief="took too long"), {}
    except (MemoryError, UserError):
        raise
    except Exception as error:  # one bad clip never ends a run: it is listed with its reason
        # Without a digest it is not cached: it is retried next time.
        brief = f"unexpected {type(error).__name__}"
        return Entry(**record, status="skipped", reason=f"{brief}: {error}", brief=brief), {}
    record |= _identity(path)
    record |= {"windows": [list(span) for span in spans], "present": present}
    entry = Entry(**record, status="ok")
    if entry.nothing_usable:
        why = all_in_words(entry.findings)
        return _skipped(record, MediaError("nothing usable in any window", why)), {}
    return entry, arrays


def _skipped(record: Mapping[str, Any], error: MediaError) -> Entry:
    return Entry(**record, status="skipped", reason=str(error), brief=error.brief)
