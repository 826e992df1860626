"""What is to be predicted, from files, folders, patterns, manifests and a list on stdin."""

import glob
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from emorec.data.checked import check_clips
from emorec.data.errors import DataError
from emorec.data.manifest_rows import read_clips
from emorec.types import Clip

VIDEO = ".mp4 .m4v .mov .avi .mkv .webm .flv .mpg .mpeg .wmv .3gp .ogv .ts .mts .m2ts .mxf"
SOUND = ".wav .flac .mp3 .m4a .aac .ogg .opus .aif .aiff .au .w64 .wma"
MEDIA = frozenset(f"{VIDEO} {SOUND}".split())
MANIFESTS = frozenset({".csv", ".jsonl", ".json"})


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
            return self.file.stem
        name = re.sub(r"[^\w.-]+", "_", self.clip.id.removesuffix(self.file.suffix)).lstrip("._")
        # File systems take 255 bytes; endings need some.
        return name.encode()[-180:].decode(errors="ignore") or "clip"

    def __str__(self) -> str:
        return self.clip.id if self.clip else str(self.file)


def find_inputs(
    named: Sequence[str], listed: Iterable[str] = (), root: Path | None = None
) -> list[Input]:
    """Return what a command is to work on, each once, in the order given.

    Args:
        named: As :func:`find_files` takes them. A ``.csv``, ``.jsonl`` or ``.json`` file is a
            manifest: its rows are clips, with their spans and sidecar files.
        listed: See :func:`find_files`.
        root: Folder that paths in manifests are relative to; the manifest's own where None.

    Raises:
        DataError: A manifest is not as expected, or two of them have different clips of one name.
    """
    found: dict[tuple[str, ...], Input] = {}
    for file in find_files(named, listed):
        if file.suffix.lower() in MANIFESTS and file.is_file():
            clips = check_clips(read_clips(file, root), [], [], str(file))
            inputs = [Input(clip.media, clip) for clip in clips]
        else:
            inputs = [Input(file)]
        for one in inputs:
            if found.setdefault(tuple(one.key.values()), one) != one:
                raise DataError(
                    f"{file}: another manifest has a different clip {str(one)!r} of {one.file}; "
                    "give each an id of its own (column id)"
                )
    return list(found.values())


def find_files(named: Sequence[str], listed: Iterable[str] = ()) -> list[Path]:
    """Return the files that a command is to work on, each once, in the order given.

    Args:
        named: Files; folders (of which media files are taken, with those in folders below, by
            name); patterns (``'clips/*.mp4'``, ``'**/*.wav'``); ``-`` for ``listed``. What is
            nothing of these is returned as it is: it is reported when it is opened.
        listed: Lines with a file, folder or pattern each; empty ones do not count.
    """
    found: dict[Path, None] = {}
    for name in named:
        if name == "-":
            lines = [line.strip() for line in listed]
            found |= dict.fromkeys(find_files([line for line in lines if line and line != "-"]))
            continue
        path = Path(name).expanduser()
        if path.is_dir():
            inside = (p for p in path.rglob("*") if p.suffix.lower() in MEDIA and p.is_file())
            # macOS leaves "._name.mp4" beside a file on foreign disks.
            found |= dict.fromkeys(sorted(p for p in inside if not p.name.startswith(".")))
        elif not path.exists() and glob.has_magic(name):
            matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207 - absolute patterns
            found |= dict.fromkeys([p for p in matches if p.is_file()] or [path])
        else:
            found[path] = None
    return list(found)
