"""Kills preprocessing at random moments; what lies in the cache must be right each time.

The tests do ten kills. More, from the root of the repository:

    python -m tests.helpers.preprocess_kills 200
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emorec.cache import CacheSource, WorkPlan, build
from emorec.extractors import Extraction, Extractor
from emorec.media import Media
from emorec.types import Array, Clip, Window
from emorec.windows import RandomWindows
from tests.helpers.media_files import tone, write_sound

ROOT = Path(__file__).parents[2]
CLIPS = 60
PROGRAM = (
    "import pathlib, sys; from tests.helpers.preprocess_kills import work; "
    "work(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
)


class Noise(Extractor):
    """A megabyte of noise a clip, the same each time: made faster than it is written."""

    dtype = np.uint8

    @property
    def shape(self) -> tuple[int, ...]:
        """(3, 112, 112)."""
        return (3, 112, 112)

    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        """Return noise."""
        random_of = np.random.default_rng(int(clip.id))
        arrays: list[Array | None] = [
            random_of.integers(0, 256, self.shape, np.uint8) for _ in windows
        ]
        return Extraction(arrays)


def source_of(root: Path, cache: str) -> CacheSource:
    """Return a source of the clips in a folder."""
    return CacheSource("set", root, root / cache, RandomWindows(), {"noise": Noise()})


def clips_of(root: Path) -> list[Clip]:
    """Return the clips in a folder."""
    return [Clip(path.stem, Path(path.name)) for path in sorted(root.glob("*.wav"))]


def work(root: Path, workers: int) -> None:
    """Preprocess, saying when it begins."""
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    build(source_of(root, "killed"), clips_of(root), WorkPlan(workers))


def whole_entries(root: Path) -> int:
    """Count what can be read of the cache; all of it must equal what an unharmed run made."""
    expected, found = source_of(root, "whole").cache(), source_of(root, "killed").cache()
    count = 0
    for clip in clips_of(root):
        entry = found.current(clip, root / clip.file)
        if entry is None:
            continue
        assert entry == expected.read(clip.id), clip.id
        for modality in entry.present:
            mine, right = (cache.array(clip.id, modality) for cache in (found, expected))
            assert np.array_equal(mine, right), (clip.id, modality)
        count += 1
    return count


def kill_often(folder: Path, kills: int, seed: int = 0) -> tuple[int, int, int]:
    """Kill a number of times.

    Returns:
        Kills; those of them after which there was more in the cache than before the run, but not
        all; and how many caches were completed.
    """
    for number in range(CLIPS):
        write_sound(folder / f"{number}.wav", tone(8000, 1.0)[None], 8000)
    start = time.monotonic()
    build(source_of(folder, "whole"), clips_of(folder), WorkPlan(0))
    longest = time.monotonic() - start
    chance, done, amid, full, before = random.Random(seed), 0, 0, 0, 0
    while done < kills:
        workers = chance.choice((0, 0, 0, 2))
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), str(workers)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"begins\n"
        try:
            # Two worker processes need some seconds to start.
            process.wait(chance.uniform(0, longest) + (3 if workers else 0))
            killed = False
        except subprocess.TimeoutExpired:
            done, killed = done + 1, True
            if chance.random() < 0.5:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()  # its workers end by themselves
        process.wait()
        process.stdout.read()  # until the workers, which hold it as well, have ended
        process.stdout.close()
        now = whole_entries(folder)
        assert now >= before, "what was cached is lost"
        amid += killed and before < now < CLIPS
        before = now
        if now == CLIPS:
            full, before = full + 1, 0
            shutil.rmtree(folder / "killed")
    return done, amid, full


def main(kills: int) -> None:
    """Print how a number of kills went."""
    with tempfile.TemporaryDirectory() as place:
        done, amid, full = kill_often(Path(place), kills)
    sys.stdout.write(
        f"{done} kills, {amid} of them amid new entries, {full} caches completed, no entry lost or "
        "wrong\n"
    )


if __name__ == "__main__":
    from tests.helpers.preprocess_kills import (
        main as _main,  # the extractor's module is part of a fingerprint
    )

    _main(int(sys.argv[1]))
