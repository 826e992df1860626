import csv
import errno
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emorec.cache import CacheSource, WorkPlan, build
from emorec.extractors import Extraction, FaceCrops, LogMel
from emorec.media import Media
from emorec.types import Clip, Window
from emorec.windows import RandomWindows
from tests.helpers.extractors import Marks, clips, source
from tests.helpers.media_files import Picture, Sound, times, tone, write_media, write_sound

ROOT = Path(__file__).parents[2]


def fill(root: Path, names: str = "abcd") -> Path:
    """Write a sound file for each letter; the later, the longer."""
    for i, name in enumerate(names):
        write_sound(root / f"{name}.wav", tone(8000, 0.43 + 0.4 * i)[None], 8000)
    return root


def files(folder: Path) -> dict[str, bytes]:
    """Return the arrays of a cache by their path in it."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.npy")}


def assert_whole(made: CacheSource, ids: str) -> None:
    """Check that the cache has a good entry for each letter and nothing else."""
    cache = made.cache()
    for clip in ids:
        entry = cache.current(Clip(clip, Path(f"{clip}.wav")), made.root / f"{clip}.wav")
        assert entry is not None
        assert entry.status == "ok"
        assert np.array_equal(cache.array(clip, "marks"), np.array(entry.windows, np.float16))
    visible = {p.name for p in cache.folder.iterdir() if not p.name.startswith(".")}
    assert visible == {cache.entry_folder(clip).name for clip in ids} | {"report.csv"}


def test_every_clip_is_cached_and_reported(tmp_path: Path) -> None:
    made = source(fill(tmp_path), Marks())
    lines: list[str] = []
    entries = build(made, clips(tmp_path), WorkPlan(0), say=lines.append)
    assert [entry.id for entry in entries] == ["a", "b", "c", "d"]
    assert_whole(made, "abcd")
    assert "4 of 4 clips" in lines[0]
    assert "4 clips: 4 ok (0 with warnings), 0 skipped" in lines[-1]
    with (made.cache().folder / "report.csv").open(newline="", encoding="utf-8") as file:
        assert [row["marks"] for row in csv.DictReader(file)] == ["4"] * 4


@pytest.mark.parametrize("at_once", [1, 4])
def test_without_workers_the_device_is_the_one_that_was_asked_for(
    tmp_path: Path, at_once: int
) -> None:
    made = source(fill(tmp_path, "a"), Marks())
    build(made, clips(tmp_path), WorkPlan(0, (1, 1), "elsewhere", at_once))
    (extractor,) = made.extractors.values()
    assert (extractor.device, extractor.clips_at_once) == ("elsewhere", 1)


def test_a_second_call_extracts_nothing(tmp_path: Path) -> None:
    build(source(fill(tmp_path), Marks()), clips(tmp_path), WorkPlan(0))
    again = Marks()
    made = source(tmp_path, again)
    before = {p: p.stat().st_mtime_ns for p in made.cache().folder.rglob("entry.json")}
    lines: list[str] = []
    entries = build(made, clips(tmp_path), WorkPlan(0), say=lines.append)
    assert again.calls == []
    assert len(lines) == 1
    assert [entry.status for entry in entries] == ["ok"] * 4
    assert {p: p.stat().st_mtime_ns for p in made.cache().folder.rglob("entry.json")} == before


def test_only_changed_and_new_clips_are_extracted_again(tmp_path: Path) -> None:
    build(source(fill(tmp_path, "abc"), Marks()), clips(tmp_path), WorkPlan(0))
    write_sound(tmp_path / "b.wav", tone(8000, 1.5)[None], 8000)
    write_sound(tmp_path / "d.wav", tone(8000, 1.0)[None], 8000)
    again = Marks()
    entries = build(source(tmp_path, again), clips(tmp_path), WorkPlan(0))
    assert again.calls == ["b", "d"]
    assert entries[1].duration == 1.5
    assert_whole(source(tmp_path, again), "abcd")


def test_an_error_in_one_clip_skips_it_with_its_reason(tmp_path: Path) -> None:
    made = source(fill(tmp_path), Marks(fails="b"))
    lines: list[str] = []
    entries = build(made, clips(tmp_path), WorkPlan(0), say=lines.append)
    assert [entry.status for entry in entries] == ["ok", "skipped", "ok", "ok"]
    assert entries[1].reason == "unexpected RuntimeError: broken on purpose"
    assert "3 ok (0 with warnings), 1 skipped (1 unexpected RuntimeError" in lines[-1]


def test_a_missing_file_is_skipped_until_it_exists(tmp_path: Path) -> None:
    fill(tmp_path, "a")
    both = [Clip("a", Path("a.wav")), Clip("b", Path("b.wav"))]
    [_, entry] = build(source(tmp_path, Marks()), both, WorkPlan(0))
    assert (entry.status, entry.reason[:16]) == ("skipped", "file not found (")
    fill(tmp_path, "ab")
    [_, entry] = build(source(tmp_path, Marks()), both, WorkPlan(0))
    assert entry.status == "ok"


def test_shards_divide_the_clips_and_the_whole_run_finds_them_done(tmp_path: Path) -> None:
    fill(tmp_path)
    made = source(tmp_path, Marks())
    parts = [build(made, clips(tmp_path), WorkPlan(0, (i, 3))) for i in (1, 2, 3)]
    assert [[entry.id for entry in part] for part in parts] == [["a", "d"], ["b"], ["c"]]
    tables = sorted(path.name for path in made.cache().folder.glob("report*.csv"))
    assert tables == [f"report-{i}-of-3.csv" for i in (1, 2, 3)]
    again = Marks()
    entries = build(source(tmp_path, again), clips(tmp_path), WorkPlan(0))
    assert again.calls == []
    assert [entry.status for entry in entries] == ["ok"] * 4


def test_a_clip_that_takes_too_long_is_skipped_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emorec.cache.entry.LIMIT", 3.0)
    monkeypatch.setattr("emorec.cache.entry.LIMIT_PER_SECOND", 0.0)
    fill(tmp_path)
    gate = str(tmp_path / "gate")
    entries = build(source(tmp_path, Marks(hangs="b", gate=gate)), clips(tmp_path), WorkPlan(0))
    assert [entry.status for entry in entries] == ["ok", "skipped", "ok", "ok"]
    assert entries[1].reason.startswith("took longer than 3 s")
    Path(gate).touch()
    again = Marks(hangs="b", gate=gate)
    build(source(tmp_path, again), clips(tmp_path), WorkPlan(0))
    assert again.calls == ["b"]


def test_a_file_that_is_removed_during_the_run_is_skipped(tmp_path: Path) -> None:
    fill(tmp_path)
    names = clips(tmp_path)

    class Removes(Marks):
        def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
            (tmp_path / "c.wav").unlink(missing_ok=True)
            return super().extract(clip, media, windows)

    entries = build(source(tmp_path, Removes()), names, WorkPlan(0))
    assert [entry.status for entry in entries] == ["ok", "ok", "skipped", "ok"]
    assert entries[2].reason.startswith("file not found (")


def test_no_clips_give_an_empty_report(tmp_path: Path) -> None:
    made = source(tmp_path, Marks())
    assert build(made, [], WorkPlan(2)) == []
    assert (made.cache().folder / "report.csv").is_file()


def test_a_full_disk_ends_the_run_and_what_is_cached_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, count = np.save, 0

    def save_two(*args: object) -> None:
        nonlocal count
        count += 1
        if count > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(np, "save", save_two)
    with pytest.raises(OSError, match="no space left in the cache folder"):
        build(source(fill(tmp_path), Marks()), clips(tmp_path), WorkPlan(0))
    monkeypatch.undo()
    again = Marks()
    build(source(tmp_path, again), clips(tmp_path), WorkPlan(0))
    assert again.calls == ["c", "d"]
    assert_whole(source(tmp_path, again), "abcd")


def test_the_size_that_is_announced_is_that_of_the_arrays(tmp_path: Path) -> None:
    extractors = {"audio": LogMel(), "vision": FaceCrops(size=96)}
    made = CacheSource("set", tmp_path, tmp_path, RandomWindows(), extractors)
    assert made.bytes_per_clip(30) == 30 * (94 * 94 * 2 + 3 * 96 * 96)


@pytest.mark.slow
def test_workers_make_the_same_arrays_as_this_process(tmp_path: Path) -> None:
    fill(tmp_path)
    sound = Sound(tone(48000, 1.0)[None])
    write_media(tmp_path / "e.mp4", Picture(times(25)), sound)
    takes = [*clips(tmp_path), Clip("e", Path("e.mp4"))]
    made: list[dict[str, bytes]] = []
    for workers in (0, 1):
        extractors = {"marks": Marks(), "audio": LogMel(), "vision": FaceCrops(size=96)}
        folder = tmp_path / f"cache{workers}"
        one = CacheSource("set", tmp_path, folder, RandomWindows(count=4), extractors)
        entries = build(one, takes, WorkPlan(workers))
        assert [entry.status for entry in entries] == ["ok"] * 5
        made.append(files(folder))
    assert len(made[0]) == 15
    assert made[0] == made[1]


@pytest.mark.slow
def test_a_worker_that_dies_costs_only_its_clip(tmp_path: Path) -> None:
    made = source(fill(tmp_path, "abc"), Marks(dies="b"))
    lines: list[str] = []
    entries = build(made, clips(tmp_path), WorkPlan(1), say=lines.append)
    assert [entry.status for entry in entries] == ["ok", "skipped", "ok"]
    assert "the worker process died" in entries[1].reason
    assert made.cache().read("b") is None
    assert_whole(made, "ac")
    assert "1 the worker process died" in lines[-1]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_after_a_kill_the_next_run_completes_the_cache(tmp_path: Path, workers: int) -> None:
    fill(tmp_path)
    program = (
        "import sys, pathlib; from tests.helpers.extractors import build_until_killed; "
        "build_until_killed(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
    )
    command = [sys.executable, "-c", program, str(tmp_path), str(workers)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"hanging\n"
        process.kill()
        # Ends when its worker, which holds the pipe as well, has ended too.
        assert process.stdout.read() == b""
    (tmp_path / "gate").touch()
    again = Marks(hangs="c", gate=str(tmp_path / "gate"))
    made = source(tmp_path, again)
    assert made.cache().read("a") is not None
    assert made.cache().read("c") is None
    entries = build(made, clips(tmp_path), WorkPlan(0))
    assert again.calls == ["c", "d"]
    assert [entry.status for entry in entries] == ["ok"] * 4
    assert_whole(made, "abcd")


@pytest.mark.slow
def test_clips_at_once_are_cached_as_one_by_one(tmp_path: Path) -> None:
    root = fill(tmp_path, "abcdef")
    one = source(root, Marks())
    other = replace(source(root, Marks()), folder=tmp_path / "other")
    build(one, clips(root), WorkPlan(1))
    build(other, clips(root), WorkPlan(1, at_once=4))
    assert files(one.cache().folder) == files(other.cache().folder)
    assert files(one.cache().folder)
