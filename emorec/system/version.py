"""The version of the running code."""

import subprocess
from functools import cache
from pathlib import Path

from emorec import __version__


@cache
def code_version() -> str:
    """Return the version and, in a checkout, the commit: ``0.1.0 1a2b3c4``; ``+`` if modified."""
    package = Path(__file__).resolve().parents[1]
    # An installed package can be inside another project's checkout.
    if _git(package, "rev-parse", "--show-toplevel") != str(package.parent):
        return __version__
    return f"{__version__} {_git(package, 'describe', '--always', '--exclude=*', '--dirty=+')}"


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
