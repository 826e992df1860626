"""Walking folders, including links, and writing files whole or not at all, even if killed."""

import hashlib
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path

from emorec.errors import UserError

log = logging.getLogger(__name__)


def walk_files(folder: Path) -> list[Path]:
    """Return the files in a folder and its subfolders, sorted by path.

    Links to folders, common on shared disks, are followed: each folder once, by its own name if it
    is below ``folder`` itself, and never a folder that contains the link. Hidden folders are
    skipped. A folder that cannot be read is logged.

    Args:
        folder: Where to begin; it is entered even if it is a link or hidden.
    """
    entered: set[tuple[int, int]] = set()
    found: list[Path] = []
    waiting = [folder]
    while waiting:  # first the real folders, then those behind links
        links: list[Path] = []
        for place in waiting:
            for kind, path in _below(place, entered):
                (links if kind == "link" else found).append(path)
        waiting = sorted(links)
    return sorted(found)


def _below(folder: Path, entered: set[tuple[int, int]]) -> Iterator[tuple[str, Path]]:
    """Yield (``file`` or ``link`` to a folder, path) in a folder and its subfolders."""
    try:
        stat = folder.stat()
        if (stat.st_dev, stat.st_ino) in entered:
            return
        entered.add((stat.st_dev, stat.st_ino))
        inside = sorted(folder.iterdir())
    except OSError as error:
        log.warning("%s cannot be read (%s): skipped", folder, error.strerror)
        return
    for path in inside:
        if path.is_file():
            yield "file", path
        elif not path.is_dir() or path.name.startswith("."):  # a broken link, a pipe, hidden
            continue
        elif not path.is_symlink():
            yield from _below(path, entered)
        elif not folder.resolve().is_relative_to(path.resolve()):
            yield "link", path


def seen_from(path: Path, folder: Path) -> str:
    """Return a path relative to a folder, with ``/``; as it is where another drive is between."""
    try:
        return Path(os.path.relpath(path, folder.absolute())).as_posix()
    except ValueError:
        return path.absolute().as_posix()


def write_text(path: Path, text: str) -> None:
    r"""Write a text file, UTF-8, whole or not at all.

    Bytes of file names that are not UTF-8 are written as ``\udcfc``, which JSON reads back.
    """
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with whole(path) as temporary:
        temporary.write_bytes(content)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file whole or not at all."""
    with whole(target) as temporary:
        shutil.copyfile(source, temporary)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give the path of a temporary file that is renamed to ``path`` if nothing is raised.

    It is in the same folder, with the same extension and a name that no other process uses, on any
    machine.

    Args:
        path: The file to write; an existing one is replaced.
    """
    temporary = beside(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def beside(path: Path) -> Path:
    """Return a hidden path in the same folder, same extension, that no other process uses."""
    return path.with_name(f".{short_name(path.stem, 40)}.{secrets.token_hex(4)}{path.suffix}")


def short_name(name: str, most: int = 180) -> str:
    """Return the start of a name, at most ``most`` bytes; file systems allow 255 in total.

    Bytes that are not UTF-8 become ``_``.
    """
    text = (
        name.encode(errors="surrogateescape")
        .decode(errors="replace")
        .replace("\N{REPLACEMENT CHARACTER}", "_")
    )
    return text.encode()[:most].decode(errors="ignore")


def readable(name: str) -> str:
    r"""Return a file's name as printable text.

    A byte that is not UTF-8 becomes ``\xfc``, a control character ``\x1b``.
    """
    text = name.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found[0]):02x}", text)


def check_writable(folder: Path, option: str) -> None:
    """Check, before hours of work, that a folder is writable; it need not exist yet.

    Args:
        folder: The folder.
        option: The option that names it, such as ``--out``.

    Raises:
        UserError: It cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{option} is {folder}, which is a file; name a folder")
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    try:
        trial = beside(existing / "trial")
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written ({error.strerror}: {existing}); name another folder "
            f"with {option}"
        ) from error


def digest(text: str, size: int = 16) -> bytes:
    """Return the blake2b digest of a text; bytes of file names that are not UTF-8 count as such.

    Args:
        text: The text.
        size: Of the digest, in bytes.
    """
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=size).digest()


def digest_file(path: Path) -> str:
    """Return the blake2b digest of a file's content, 32 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, partial(hashlib.blake2b, digest_size=16)).hexdigest()


@lru_cache(256)  # several clips can share a file or be parts of it
def digest_as_it_is(path: Path, size: int, changed: int) -> str:
    """Return :func:`digest_file`, cached while size (bytes) and time of change (ns) are equal."""
    return digest_file(path)
