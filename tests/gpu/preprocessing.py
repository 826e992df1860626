"""Preprocessing with faces on the GPU and on the CPU, against decoding alone.

    python -m tests.gpu.preprocessing --out FILE [--tiny]

Copies of one 720p clip of 3.7 s, 30 windows each: in one process with one thread, a clip at a time
on the CPU and eight at once on the GPU; then the whole command's work in several processes.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from emorec.cache import CacheSource, WorkPlan, build
from emorec.cache.entry import make_entry
from emorec.extractors import FaceCrops, FaceSearch, LogMel
from emorec.system.workers import one_thread
from emorec.types import Clip
from emorec.windows import RandomWindows
from tests.gpu.card import device_here
from tests.gpu.figures import Figures
from tests.helpers.grainy import FORMATS, SECONDS, decode, write_clip

AT_ONCE = 8
MODES: tuple[Literal["tracked", "every_frame"], ...] = ("tracked", "every_frame")


def main(figures: Figures, *, tiny: bool) -> None:
    """Measure all."""
    one_thread()
    form = list(FORMATS)[1 if tiny else 0]  # the smaller one is made faster
    few = 1 if tiny else 2
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        original = write_clip(folder / "clip.mp4", form)
        name = f"a clip of {SECONDS} s, {form}"
        took = seconds_each(decode, [original] * few)
        figures.add(f"{name}: decoding alone, one thread", took, "s")
        for mode in MODES:
            figures.add(f"{name}: {mode}, CPU", in_process([original] * few, mode, "cpu", 1), "s")
            if device_here() == "cuda":
                took = in_process([original] * 2 * AT_ONCE, mode, "cuda", AT_ONCE)
                figures.add(f"{name}: {mode}, GPU, {AT_ONCE} at once", took, "s")
        count = 2 if tiny else 64
        clips = [Clip(f"clip{i}", Path(f"clip{i}.mp4")) for i in range(count)]
        for clip in clips:
            shutil.copyfile(original, folder / clip.file)
        workers = 1 if tiny else (os.cpu_count() or 2)
        for device in dict.fromkeys(["cpu", device_here()]):
            at_once = AT_ONCE if device == "cuda" else 1
            processes = min(workers, count // at_once)
            took = in_processes(folder, clips, WorkPlan(processes, (1, 1), device, at_once))
            note = f"{processes} processes, {at_once} at once each, their start included"
            what = f"{count} clips like this, tracked, faces on {device}"
            figures.add(what, count / took, "clips/s", note)


def seconds_each(work: Callable[[Path], object], paths: list[Path]) -> float:
    """Return the mean time of a call, after one that is not counted."""
    work(paths[0])
    start = time.perf_counter()
    for path in paths:
        work(path)
    return (time.perf_counter() - start) / len(paths)


def in_process(
    paths: list[Path], mode: Literal["tracked", "every_frame"], device: str, at_once: int
) -> float:
    """Return the seconds a clip in one process."""
    extractors = {"audio": LogMel(), "face": FaceCrops(faces=FaceSearch(mode=mode))}
    for extractor in extractors.values():
        extractor.use(device, at_once)

    def cut(path: Path) -> None:
        entry, _ = make_entry(Clip("clip", path), path.parent, RandomWindows(), extractors)
        if entry.facts["windows_with_face"] != 30:
            raise RuntimeError(f"faces in {entry.facts['windows_with_face']} of 30 windows")

    if at_once == 1:
        return seconds_each(cut, paths)
    with ThreadPoolExecutor(at_once) as threads:
        list(threads.map(cut, paths[:at_once]))
        start = time.perf_counter()
        list(threads.map(cut, paths))
        return (time.perf_counter() - start) / len(paths)


def in_processes(folder: Path, clips: list[Clip], work: WorkPlan) -> float:
    """Return the seconds that a whole set takes."""
    extractors = {"audio": LogMel(), "face": FaceCrops()}
    source = CacheSource(
        "copies", folder, folder / f"cache-{work.device}", RandomWindows(), extractors
    )
    start = time.perf_counter()
    entries = build(source, clips, work)
    took = time.perf_counter() - start
    failed = [entry.reason for entry in entries if entry.status != "ok"]
    if failed:
        raise RuntimeError(f"{len(failed)} clips failed: {failed[0]}")
    return took


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m tests.gpu.preprocessing", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tiny", action="store_true", help="the smallest sizes, for a CPU")
    options = parser.parse_args()
    main(Figures(options.out), tiny=options.tiny)
