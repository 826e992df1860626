"""What is to be predicted, from files, folders, patterns, manifests and a list on stdin."""

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
    """One thing to predict.

    Attributes:
        file: The media file, as it was named.
        clip: The row of a manifest, with absolute paths; None for a file by itself.
    """

    file: Path
    clip: Clip | None = None

    @property
    def named(self) -> Path | Clip:
        """What a predictor is given."""
        return self.clip or self.file

    @property
    def key(self) -> dict[str, str]:
        """What a record calls it: ``file`` and, for a row of a manifest, ``clip``, its id."""
        return {"file": str(self.file)} | ({"clip": self.clip.id} if self.clip else {})

    @property
    def stem(self) -> str:
        """Start of the names of what is written of it."""
        if self.clip is None:
            return short_name(self.file.stem)
        name = re.sub(r"[^\w.-]+", "_", self.clip.id.removesuffix(self.file.suffix)).lstrip("._")
        # The end of an id tells more than its start: that is a folder.
        return name.encode()[-180:].decode(errors="ignore") or "clip"

    def __str__(self) -> str:
        return readable(self.clip.id if self.clip else str(self.file))


def find_inputs(
    named: Sequence[str],
    listed: Iterable[str] = (),
    root: Path | None = None,
    left_out: Counter[str] | None = None,
) -> list[Input]:
    """Return what a command is to work on, each once, in the order given.

    Args:
        named: As :func:`find_files` takes them. A ``.csv``, ``.jsonl`` or ``.json`` file is a
            manifest: its rows are clips, with their spans and sidecar files.
        listed: See :func:`find_files`.
        root: Folder that paths in manifests are relative to; the manifest's own where None.
        left_out: See :func:`find_files`.

    Raises:
        DataError: A manifest is not as expected, or two of them have different clips of one name.
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
    """Return the files that a command is to work on, each once, in the order given.

    Args:
        named: Files; folders (of which media files are taken, with those in folders below, also
            behind links, by name; but no annotated copies of earlier runs); patterns
            (``'clips/*.mp4'``, ``'**/*.wav'``); ``-`` for ``listed``. What is nothing of these is
            returned as it is: it is reported when it is opened.
        listed: Lines with a file, folder or pattern each; empty ones do not count.
        left_out: Gets how many files of the folders were left out, by their ending or
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
        if path.name.startswith("."):  # macOS leaves "._name.mp4" beside a file on foreign disks
            continue
        if path.suffix.lower() not in MEDIA_SUFFIXES:
            left_out[path.suffix.lower() or "no ending"] += 1
        elif is_annotated(path):
            left_out[COPIES] += 1
        else:
            yield path


def _matches(pattern: Path) -> list[Path]:
    """Return the files that a pattern matches, by name; ``**`` is any folders, also linked ones."""
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
    """Return whether the parts of a path are what the parts of a pattern say."""
    if not rules:
        return not parts
    if rules[0] == "**":
        return any(_fits(parts[i:], rules[1:]) for i in range(len(parts) + 1)) or len(rules) == 1
    if not parts or (parts[0].startswith(".") and not rules[0].startswith(".")):
        return False
    return fnmatch.fnmatchcase(parts[0], rules[0]) and _fits(parts[1:], rules[1:])
