"""The inputs of a prediction: files, folders, patterns, manifests, or a list on stdin."""

import fnmatch
import glob
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from emorec.data.manifest_rows import read_clips
from emorec.data.usable import check_clips
from emorec.errors import DataError
from emorec.media import MEDIA_SUFFIXES
from emorec.predict.annotate import is_annotated
from emorec.system.files import readable, short_name, walk_files
from emorec.types import Clip

MANIFESTS = frozenset({".csv", ".jsonl", ".json"})
COPIES = "annotated copies of earlier runs"


class Input(NamedTuple):
    """One file or clip to predict.

    Attributes:
        file: The media file, as the user named it.
        clip: The row of a manifest, with absolute paths; None for a file by itself.
    """

    file: Path
    clip: Clip | None = None

    @property
    def named(self) -> Path | Clip:
        """The argument for a predictor."""
        return self.clip or self.file

    @property
    def key(self) -> dict[str, str]:
        """Its key in records: ``file`` and, for a row of a manifest, ``clip`` (the id)."""
        return {"file": str(self.file)} | ({"clip": self.clip.id} if self.clip else {})

    @property
    def stem(self) -> str:
        """The stem of the names of its output files."""
        if self.clip is None:
            return short_name(self.file.stem)
        name = re.sub(r"[^\w.-]+", "_", self.clip.id.removesuffix(self.file.suffix)).lstrip("._")
        # The end of an id says more than its start, which is a folder.
        return name.encode()[-180:].decode(errors="ignore") or "clip"

    def __str__(self) -> str:
        return readable(self.clip.id if self.clip else str(self.file))


def find_inputs(
    named: Sequence[str],
    listed: Iterable[str] = (),
    root: Path | None = None,
    left_out: Counter[str] | None = None,
) -> list[Input]:
    """Return the inputs of a command, each once, in the given order.

    Args:
        named: As for :func:`find_files`. A ``.csv``, ``.jsonl`` or ``.json`` file is a
            manifest: its rows are clips, with their spans and sidecar files.
        listed: See :func:`find_files`.
        root: Folder that paths in manifests are relative to; None: the manifest's own folder.
        left_out: See :func:`find_files`.

    Raises:
        DataError: A manifest is not as expected, or two have different clips with one id.
    """
    found: dict[tuple[str, ...], Input] = {}
    for file in find_files(named, listed, left_out):
        if file.suffix.lower() in MANIFESTS and file.is_file():
            clips = check_clips(read_clips(file, root), [], [], str(file))
            inputs = [Input(clip.file, clip) for clip in clips]
        else:
            inputs = [Input(file)]
        for one in inputs:
            if found.setdefault(tuple(one.key.values()), one) != one:
                raise DataError(
                    f"{file}: another manifest has a different clip {str(one)!r} of {one.file}; "
                    "give each an id of its own (column id)"
                )
    return list(found.values())


def find_files(
    named: Sequence[str], listed: Iterable[str] = (), left_out: Counter[str] | None = None
) -> list[Path]:
    """Return the files that a command works on, each once, in the given order.

    Args:
        named: Files; folders (their media files, sorted by name, including subfolders and links
            but not annotated copies of earlier runs); patterns (``'clips/*.mp4'``,
            ``'**/*.wav'``); ``-`` for ``listed``. Anything else is returned unchanged and
            reported when it is opened.
        listed: Lines, each with a file, folder or pattern; empty lines are ignored.
        left_out: Filled with the number of skipped files in folders, by file extension or
            :data:`COPIES`.
    """
    counts = Counter[str]() if left_out is None else left_out
    found: dict[Path, None] = {}
    for name in named:
        if name == "-":
            lines = [line.strip() for line in listed]
            lines = [line for line in lines if line and line != "-"]
            found |= dict.fromkeys(find_files(lines, left_out=counts))
            continue
        path = Path(name).expanduser()
        if path.is_dir():
            found |= dict.fromkeys(_media_of(path, counts))
        elif not path.exists() and glob.has_magic(name):
            found |= dict.fromkeys(_matches(path) or [path])
        else:
            found[path] = None
    return list(found)


def _media_of(folder: Path, left_out: Counter[str]) -> Iterator[Path]:
    for path in walk_files(folder):
        if path.name.startswith("."):  # macOS leaves "._name.mp4" beside files on foreign disks
            continue
        if path.suffix.lower() not in MEDIA_SUFFIXES:
            left_out[path.suffix.lower() or "no extension"] += 1
        elif is_annotated(path):
            left_out[COPIES] += 1
        else:
            yield path


def _matches(pattern: Path) -> list[Path]:
    """Return the files that match a pattern, sorted; ``**`` is any folders, also linked ones."""
    parts = pattern.parts
    if "**" not in parts:
        found = [Path(match) for match in glob.glob(str(pattern))]  # noqa: PTH207 - absolute patterns
        return sorted(path for path in found if path.is_file() and not is_annotated(path))
    at = parts.index("**")
    head = Path(*parts[:at])
    folders = [Path(match) for match in glob.glob(str(head))] if at else [head]  # noqa: PTH207
    return sorted(
        path
        for folder in folders
        for path in walk_files(folder)
        if _fits(path.relative_to(folder).parts, parts[at:]) and not is_annotated(path)
    )


def _fits(parts: Sequence[str], rules: Sequence[str]) -> bool:
    """Return whether the parts of a path match the parts of a pattern."""
    if not rules:
        return not parts
    if rules[0] == "**":
        return any(_fits(parts[i:], rules[1:]) for i in range(len(parts) + 1)) or len(rules) == 1
    if not parts or (parts[0].startswith(".") and not rules[0].startswith(".")):
        return False
    return fnmatch.fnmatchcase(parts[0], rules[0]) and _fits(parts[1:], rules[1:])
