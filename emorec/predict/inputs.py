"""Media files from what a user names: files, folders, patterns, and a list on standard input."""

import glob
from collections.abc import Iterable, Sequence
from pathlib import Path

VIDEO = ".mp4 .m4v .mov .avi .mkv .webm .flv .mpg .mpeg .wmv .3gp .ogv .ts .mts .m2ts .mxf"
SOUND = ".wav .flac .mp3 .m4a .aac .ogg .opus .aif .aiff .au .w64 .wma"
MEDIA = frozenset(f"{VIDEO} {SOUND}".split())


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
