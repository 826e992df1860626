"""Kills preprocessing at random moments; what lies in the cache must be right each time.

The tests do ten kills. More, from the root of the repository:

    python -m tests.cache.kills 200
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from emorec.cache import RandomWindows, Source, build
from emorec.extractors import FaceCrops, LogMel
from emorec.types import Clip
from tests.cache.test_any_clip import VIDEO, VOICE
from tests.media_files import write_media

ROOT = Path(__file__).parents[2]
CLIPS = 12
PROGRAM = (
    "import pathlib, sys; from tests.cache.kills import work; "
    "work(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
)


def source_of(root: Path, cache: str) -> Source:
    """Return a source of both modalities; entries of 1 MB take a while to write."""
    extractors = {"audio": LogMel(), "face": FaceCrops(size=112)}
    return Source("set", root, root / cache, RandomWindows(count=20), extractors)


def clips_of(root: Path) -> list[Clip]:
    """Return the clips in a folder."""
    return [Clip(path.stem, Path(path.name)) for path in sorted(root.glob("*.mkv"))]


def work(root: Path, workers: int) -> None:
    """Preprocess, saying when it begins."""
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    build(source_of(root, "killed"), clips_of(root), workers=workers)


def whole_entries(root: Path) -> int:
    """Count what can be read of the cache; all of it must equal what an unharmed run made."""
    expected, found = source_of(root, "whole").cache(), source_of(root, "killed").cache()
    count = 0
    for clip in clips_of(root):
        entry = found.current(clip.id, root / clip.media)
        if entry is None:
            continue
        assert entry == expected.read(clip.id), clip.id
        for modality in entry.present:
            mine, right = (cache.array(clip.id, modality) for cache in (found, expected))
            assert np.array_equal(mine, right), (clip.id, modality)
        count += 1
    return count


def kill_often(folder: Path, kills: int, seed: int = 0) -> tuple[int, int]:
    """Kill a number of times; return how many runs were killed while at work, and whole caches."""
    write_media(folder / "0.mkv", VIDEO, VOICE)
    for number in range(1, CLIPS):
        (folder / f"{number}.mkv").write_bytes((folder / "0.mkv").read_bytes())
    start = time.monotonic()
    build(source_of(folder, "whole"), clips_of(folder), workers=0)
    longest = time.monotonic() - start
    chance, done, full, before = random.Random(seed), 0, 0, 0
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
            process.wait(chance.uniform(0, longest / 3) + (4 if workers else 0))
        except subprocess.TimeoutExpired:
            done += 1
            if chance.random() < 0.5:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()  # its workers end by themselves
        process.wait()
        process.stdout.read()  # until the workers, which hold it as well, have ended
        process.stdout.close()
        now = whole_entries(folder)
        assert now >= before, "what was cached is lost"
        before = now
        if now == CLIPS:
            full, before = full + 1, 0
            shutil.rmtree(folder / "killed")
    return done, full


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        done, full = kill_often(Path(place), int(sys.argv[1]), int((sys.argv[2:] or ["0"])[0]))
        sys.stdout.write(f"{done} kills, {full} caches completed in between, nothing wrong\n")
