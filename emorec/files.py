"""Files that are whole or not there, also when the process is killed."""

import secrets
import shutil
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    temporary = _beside(path)
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file whole or not at all."""
    temporary = _beside(target)
    shutil.copyfile(source, temporary)
    temporary.replace(target)


def _beside(path: Path) -> Path:
    """Return a name in the same folder that no other process takes, on no machine."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")
