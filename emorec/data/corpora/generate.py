"""Generates missing media files, in worker processes."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_info

from emorec.system.progress import progress
from emorec.system.workers import worker_pool


def generate(
    write: Callable[[Any, Path], None], files: Sequence[tuple[Any, Path]], workers: int
) -> None:
    """Write the files that do not exist yet.

    Args:
        write: Writes one file, completely or not at all.
        files: Plan and path of each file; all in one folder.
        workers: Worker processes; 0: work in this process.
    """
    missing = [(plan, path) for plan, path in files if not path.exists()]
    if not missing:
        return
    folder = missing[0][1].parent
    folder.mkdir(parents=True, exist_ok=True)
    rank_zero_info(f"generating {len(missing)} files into {folder}")
    # Several processes may generate one set at once: each starts at a different file.
    first = os.getpid() * 7919 % len(missing)
    work = [(write, plan, path) for plan, path in missing[first:] + missing[:first]]
    with progress(total=len(missing), unit="file", desc="generate") as bar:
        if workers == 0:
            for each in work:
                _write(*each)
                bar.update()
            return
        with worker_pool(workers) as pool:
            size = max(1, min(4, len(missing) // (4 * workers)))
            for _ in pool.map(_write, *zip(*work, strict=True), chunksize=size):
                bar.update()


def _write(write: Callable[[Any, Path], None], plan: Any, path: Path) -> None:
    if not path.exists():  # another process may have written it
        write(plan, path)
