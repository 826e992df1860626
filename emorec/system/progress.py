"""Progress bars: fast updates on a terminal, occasional lines in a log file."""

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress(items: Iterable[Any] | None = None, **options: Any) -> "tqdm[Any]":
    """Return a tqdm bar on standard error.

    Args:
        items: What to iterate over; None for a bar that is updated manually.
        options: Options of tqdm: ``total``, ``unit``, ``desc``.
    """
    pause = 0.2 if sys.stderr.isatty() else 10.0  # seconds between updates
    return tqdm(items, mininterval=pause, maxinterval=pause, **options)
