"""The folder of a data set."""

import hashlib
import os
from pathlib import Path


def folder_digest(folder: Path) -> str:
    """Return six hex digits that stand for a folder's place."""
    return hashlib.blake2b(os.fsencode(folder.resolve()), digest_size=3).hexdigest()
