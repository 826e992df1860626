"""Run directories: what may be resumed, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from emorec.runs.directory import RunDirectory, RunError, flatten, restore_or_discard, set_aside
from emorec.system.files import copy_file, write_text
from tests.helpers.fake_study import NOTHING

CONFIG: dict[str, Any] = {"model": {"lr": 0.1}, "data": {"init_args": {"workers": 2, "root": "a"}}}


def trained(run: RunDirectory) -> None:
    """Put the run in the state after its first checkpoint."""
    run.checkpoints.mkdir()
    run.last.write_text("weights")
    run.release()


def test_a_new_run_keeps_its_config(tmp_path: Path) -> None:
    RunDirectory(tmp_path / "run").open(CONFIG, overwrite=False)
    assert yaml.safe_load((tmp_path / "run/config.yaml").read_text()) == CONFIG


def test_another_config_is_refused_with_the_keys_that_differ(tmp_path: Path) -> None:
    first = RunDirectory(tmp_path)
    first.open(CONFIG, overwrite=False)
    trained(first)
    other = {"model": {"lr": 0.2}, "data": {"init_args": {"workers": 2, "root": "b"}}}
    with pytest.raises(RunError, match="another config") as error:
        RunDirectory(tmp_path).open(other, overwrite=False)
    assert "model.lr: 0.1 in the run, 0.2 now" in str(error.value)
    assert "data.init_args.root: 'a' in the run, 'b' now" in str(error.value)
    assert "--overwrite" in str(error.value)


def test_a_config_may_be_corrected_before_anything_is_trained(tmp_path: Path) -> None:
    first = RunDirectory(tmp_path)
    first.open(CONFIG, overwrite=False)
    first.release()
    RunDirectory(tmp_path).open({"model": {"lr": 0.2}}, overwrite=False)
    assert yaml.safe_load((tmp_path / "config.yaml").read_text()) == {"model": {"lr": 0.2}}


def test_a_corrected_config_does_not_keep_the_split_of_the_one_before(tmp_path: Path) -> None:
    first = RunDirectory(tmp_path)
    first.open({"data": {"fold": 1}}, overwrite=False)
    first.split_file.write_text("clip,part\nc1,test\n")  # killed in the first epoch
    first.release()
    RunDirectory(tmp_path).open({"data": {"fold": 2}}, overwrite=False)
    assert not first.split_file.exists()


OLD = ("traces.png", "traces_audio.png", "reliability.png", "predictions_audio.csv")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return the directory of a run to be replaced, with a file of the user in it."""
    first = RunDirectory(tmp_path)
    first.open(CONFIG, overwrite=False)
    trained(first)
    for name in OLD:
        (tmp_path / name).write_text("old")
    (tmp_path / "mine.png").write_text("mine")
    return tmp_path


def everything(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def test_starting_anew_leaves_no_picture_of_the_old_run(old: Path) -> None:
    second = RunDirectory(old)
    second.open({**CONFIG, "seed_everything": 5}, overwrite=True)
    assert {path.name for path in old.glob("*.[pc][ns][gv]")} == {"mine.png"}
    trained(second)
    kept = {"config.yaml", "origin.json", "checkpoints/last.ckpt", "mine.png"}
    assert everything(old).keys() == kept
    assert yaml.safe_load(second.config_file.read_text())["seed_everything"] == 5


@pytest.mark.parametrize("killed", [False, True])
def test_an_earlier_run_comes_back_where_the_new_one_trains_nothing(
    old: Path, killed: bool
) -> None:
    before = everything(old)
    second = RunDirectory(old)
    second.open({"model": {"lr": "wrong"}}, overwrite=True)
    second.split_file.write_text("new")
    assert everything(old).keys() > {".replaced/config.yaml", "split.csv", "config.yaml"}
    if killed:
        second._lock.release()
        RunDirectory(old).open(CONFIG, overwrite=False)  # the old run resumes
    else:
        second.release()
    assert everything(old) == before


@pytest.mark.parametrize("moves", range(7))
def test_a_kill_while_files_are_moved_loses_nothing(
    old: Path, moves: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill can happen at any move, in either direction."""
    before = everything(old)
    done = [0]
    rename = Path.rename

    def killing(self: Path, target: Path) -> Path:
        if done[0] == moves:
            raise KeyboardInterrupt
        done[0] += 1
        return rename(self, target)

    def killed(work: Callable[[], None]) -> None:
        done[0] = 0
        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", killing)
            with pytest.raises(KeyboardInterrupt):
                work()

    killed(lambda: set_aside(old))
    restore_or_discard(old, replaced=False)
    assert everything(old) == before
    set_aside(old)
    killed(lambda: restore_or_discard(old, replaced=False))
    restore_or_discard(old, replaced=False)
    assert everything(old) == before


def test_options_that_change_no_result_may_differ(tmp_path: Path) -> None:
    first = RunDirectory(tmp_path)
    first.open(CONFIG, overwrite=False)
    trained(first)
    other = {**CONFIG, "data": {"init_args": {"workers": 7, "root": "a"}}, "trainer": {"logger": 1}}
    RunDirectory(tmp_path).open(other, overwrite=False)


def test_a_second_process_is_refused_while_the_first_runs(tmp_path: Path) -> None:
    first = RunDirectory(tmp_path)
    first.open(CONFIG, overwrite=False)
    with pytest.raises(RunError, match="another process is using"):
        RunDirectory(tmp_path).open(CONFIG, overwrite=False)
    first.release()
    RunDirectory(tmp_path).open(CONFIG, overwrite=False)


def test_a_folder_that_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="no run directory"):
        RunDirectory(tmp_path).open(CONFIG, overwrite=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_overwrite_deletes_what_a_run_left(tmp_path: Path) -> None:
    first = RunDirectory(tmp_path)
    first.open(CONFIG, overwrite=False)
    NOTHING.write(first.metrics_file)
    first.checkpoints.mkdir()
    first.last.write_text("weights")
    assert first.finished
    first.release()
    second = RunDirectory(tmp_path)
    second.open({"model": {"lr": 3}}, overwrite=True)
    assert not second.finished
    assert not second.last.exists()
    assert yaml.safe_load(second.config_file.read_text()) == {"model": {"lr": 3}}


def test_flatten_joins_keys_and_keeps_lists() -> None:
    assert dict(flatten({"a": {"b": [1], "c": {}}, "d": None})) == {
        "a.b": [1],
        "a.c": {},
        "d": None,
    }


def test_files_are_replaced_whole(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "one")
    write_text(tmp_path / "a", "two")
    copy_file(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "two"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]
