"""emorec cache: what it lists, what it deletes, and what it leaves alone."""

import csv
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from emorec.cache import Entry, SegmentCache, write_report
from emorec.cli import main

Run = Callable[..., str]


def fill(folder: Path, used: float, clips: tuple[tuple[str, str], ...]) -> None:
    cache, entries = SegmentCache(folder), []
    for clip, group in clips:
        entries.append(Entry(clip, f"{clip}.mp4", "ok", group=group))
        cache.write(entries[-1], {"face": np.zeros((2, 3, 8, 8), np.uint8)})
    write_report(entries, folder / "report.csv")
    os.utime(folder / "report.csv", (used, used))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    both = (("a/1", "anna"), ("b 1", "ben"))
    fill(tmp_path / "study-one-0a0a0a0a0a0a", 1000, both)
    fill(tmp_path / "study-one-1b1b1b1b1b1b", 2000, (*both, ("a/2", "anna")))
    fill(tmp_path / "other-2c2c2c2c2c2c", 500, (("x", ""),))
    (tmp_path / "not-ours").mkdir()
    (tmp_path / "not-ours/report.csv").write_text("mine")
    return tmp_path


@pytest.fixture
def run(place: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*options: str) -> str:
        main(["cache", "--cache", str(place), *options])
        return capsys.readouterr().out

    return command


def names(place: Path) -> set[str]:
    return {path.name for path in place.iterdir()}


def reported(folder: Path) -> list[str]:
    with (folder / "report.csv").open(newline="") as file:
        return [row["id"] for row in csv.DictReader(file)]


def test_the_list_has_each_cache_and_the_total(run: Run, place: Path) -> None:
    lines = run("list").splitlines()
    assert [line.split("  ")[:3] for line in lines[:3]] == [
        ["other", "2c2c2c2c2c2c", "1 clips"],
        ["study-one", "0a0a0a0a0a0a", "2 clips"],
        ["study-one", "1b1b1b1b1b1b", "3 clips"],
    ]
    assert lines[3].startswith("3 cache(s), ")
    assert lines[3].endswith(str(place))


def test_an_empty_place_has_no_caches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["cache", "--cache", str(tmp_path / "none"), "list"])
    assert capsys.readouterr().out.startswith("0 cache(s), 0 B")


def test_prune_keeps_the_cache_of_each_set_that_was_used_last(run: Run, place: Path) -> None:
    before = names(place)
    said = run("prune", "--yes")
    assert before - names(place) == {"study-one-0a0a0a0a0a0a"}
    assert "1 cache(s) deleted" in said
    assert "nothing to prune" in run("prune", "--yes")


def test_a_clip_is_deleted_in_all_caches_and_their_reports(run: Run, place: Path) -> None:
    said = run("rm", "--clip", "a/1", "--yes")
    assert "clip 'a/1': 2 folder(s) deleted" in said
    for folder, left in (("0a0a0a0a0a0a", ["b 1"]), ("1b1b1b1b1b1b", ["b 1", "a/2"])):
        cache = SegmentCache(place / f"study-one-{folder}")
        assert cache.read("a/1") is None
        assert reported(cache.folder) == left
        assert all(cache.read(clip) for clip in left)
        assert not list(cache.folder.glob(".old-*"))


def test_a_speaker_is_deleted_everywhere(run: Run, place: Path) -> None:
    assert "speaker 'anna': 3 folder(s) deleted" in run("rm", "--group", "anna", "--yes")
    assert not [path for path in place.rglob("entry.json") if "anna" in path.read_text()]
    assert reported(place / "study-one-1b1b1b1b1b1b") == ["b 1"]
    assert reported(place / "other-2c2c2c2c2c2c") == ["x"]


def test_what_shards_and_killed_runs_left_is_deleted_too(run: Run, place: Path) -> None:
    sharded, killed = (place / f"study-one-{name * 6}" for name in ("3d", "4e"))
    fill(sharded, 100, (("a/1", "anna"), ("b 1", "ben")))
    (sharded / "report.csv").rename(sharded / "report-1-of-2.csv")
    fill(killed, 100, (("a/1", "anna"), ("b 1", "ben")))
    (killed / "report.csv").unlink()
    assert "speaker 'anna': 5 folder(s) deleted" in run("rm", "--group", "anna", "--yes")
    assert not [path for path in place.rglob("entry.json") if "anna" in path.read_text()]
    assert "a/1" not in (sharded / "report-1-of-2.csv").read_text()
    assert "b 1" in (sharded / "report-1-of-2.csv").read_text()
    assert "study-one  4e4e4e4e4e4e  1 clips" in run("list")


def test_a_data_set_is_deleted_under_all_its_options(run: Run, place: Path) -> None:
    run("rm", "--set", "study-one", "--yes")
    assert names(place) == {"other-2c2c2c2c2c2c", "not-ours"}


@pytest.mark.parametrize("what", [("--clip", "zz"), ("--group", "zoe"), ("--set", "study")])
def test_what_is_not_there_is_an_error(
    run: Run, what: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run("rm", *what, "--yes")
    said = capsys.readouterr().err
    assert what[1] in said
    assert "emorec cache list" in said


@pytest.mark.parametrize("command", [("prune",), ("rm", "--group", "anna")])
def test_nothing_is_deleted_without_an_answer(
    run: Run, place: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(place.rglob("*"))
    with pytest.raises(SystemExit):
        run(*command)  # standard input is no terminal here
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: "")
    run(*command)
    assert sorted(place.rglob("*")) == before
    monkeypatch.setattr("builtins.input", lambda question: "y")
    run(*command)
    assert sorted(place.rglob("*")) != before
