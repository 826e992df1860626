"""Progress bars: lively on a terminal, a line now and then in a log file."""

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress(items: Iterable[Any] | None = None, **options: Any) -> "tqdm[Any]":
    """Return a tqdm bar on standard error.

    Args:
        items: What is walked through; None for a bar that is moved by hand.
        options: As tqdm takes them: ``total``, ``unit``, ``desc``.
    """
    pause = 0.2 if sys.stderr.isatty() else 10.0  # seconds between two lines
    return tqdm(items, mininterval=pause, maxinterval=pause, **options)
