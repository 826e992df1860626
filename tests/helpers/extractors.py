"""Extractors and functions that tests run in other processes; they must be importable there."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from emorec.cache import CacheSource, Entry, SegmentCache, WorkPlan, build
from emorec.extractors import Extraction, Extractor
from emorec.media import Media
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Clip, Window
from emorec.windows import RandomWindows


class Marks(Extractor):
    """Gives each window its times, float16 (2,); misbehaves for chosen clips.

    Args:
        fails: Clip for which it raises an error.
        dies: Clip for which its process ends at once.
        hangs: Clip for which it says so on stdout and waits for ever unless ``gate`` exists.
        gate: See there.
        without: Clip of which it finds nothing.
    """

    def __init__(
        self,
        fails: str = "",
        dies: str = "",
        hangs: str = "",
        gate: str = "",
        without: str = "",
    ) -> None:
        self.fails, self.dies, self.hangs = fails, dies, hangs
        self.gate, self.without = gate, without
        self.calls: list[str] = []

    @property
    def shape(self) -> tuple[int, ...]:
        """(2,)."""
        return (2,)

    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        """Return the windows' times."""
        self.calls.append(clip.id)
        if clip.id == self.fails:
            raise RuntimeError("broken on purpose")
        if clip.id == self.dies:
            os._exit(3)
        if clip.id == self.hangs and not Path(self.gate).exists():
            hang()
        if clip.id == self.without:
            missing = Finding(FindingKind.MISSING, "marks")
            return Extraction([None] * len(windows), {"marks": 0}, [missing])
        arrays = [np.array(window, np.float16) for window in windows]
        return Extraction([*arrays], {"marks": len(arrays)})


def hang() -> None:
    """Say so on stdout and wait for ever."""
    os.write(1, b"hanging\n")
    threading.Event().wait()


def source(root: Path, marks: Marks) -> CacheSource:
    """Return a source of the files in a folder."""
    return CacheSource("set", root, root / "cache", RandomWindows(count=4), {"marks": marks})


def clips(root: Path) -> list[Clip]:
    """Return the wav files of a folder as clips, in order of name."""
    return [Clip(path.stem, Path(path.name)) for path in sorted(root.glob("*.wav"))]


def build_until_killed(root: Path, workers: int) -> None:
    """Build, hanging in the third clip: in its extractor, or (workers=0) while it is written."""
    made = source(root, Marks(hangs="c", gate=str(root / "gate")))
    save = np.save

    def save_and_hang(file: Any, array: Array) -> None:
        save(file, array)
        if len(list(made.cache().folder.glob("[a-z]*"))) == 2:
            hang()

    if workers == 0:
        (root / "gate").touch()
        with patch("numpy.save", save_and_hang):
            build(made, clips(root), WorkPlan(0))
    else:
        build(made, clips(root), WorkPlan(workers))


def write_many(folder: Path, value: int) -> None:
    """Replace one entry many times; all that it holds is one value."""
    cache = SegmentCache(folder)
    array = np.full((4, 50), value, np.float16)
    for _ in range(40):
        cache.write(Entry("a", "a.wav", "ok", size=value), {"x": array, "y": array})
