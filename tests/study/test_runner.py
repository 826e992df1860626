"""Running cells: in the order of pre-training, despite failures, deaths and interruptions."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from emorec.runs.directory import RunDirectory
from emorec.study import Study, read_study
from emorec.study.cells import Cell, expand
from emorec.study.runner import CELLS, finished, run_cells
from tests.helpers.fake_study import NOTHING, fit, write

AXES = {"method": {"good": {"x": 1}, "bad": {"x": 2}, "wrong": {"x": 3}, "dies": {"x": 4}}}


def failing_start(arguments: Sequence[str]) -> None:
    """Fail in pre-training, where a cell has nothing to start from."""
    if not any(argument.startswith("--training.start=") for argument in arguments):
        raise RuntimeError("no data")
    fit(arguments)


def slow(arguments: Sequence[str]) -> None:
    """Take long."""
    time.sleep(2)
    fit(arguments)


def locking(arguments: Sequence[str]) -> None:
    """Lock the run directory as fit does."""
    options = dict(a.removeprefix("--").split("=", 1) for a in arguments[1:])
    run = RunDirectory(Path(options["run"]))
    run.lock()
    fit(arguments)
    run.release()


def unfinished(arguments: Sequence[str]) -> None:
    """End without an error and without a result, as on a time limit."""


def interrupted(arguments: Sequence[str]) -> None:
    """Be stopped from outside, as by SIGTERM."""
    raise KeyboardInterrupt


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return read_study(write(tmp_path, grids={"main": {"axes": AXES}}))


@pytest.mark.slow
def test_a_cell_that_fails_or_dies_costs_no_other(study: Study, tmp_path: Path) -> None:
    cells = expand(study)
    failed = run_cells(study, cells, tmp_path, fit=fit, jobs=2, say=lambda line: None)
    reasons = {cell.choices["method"]: failed.get(cell.name) for cell in cells if cell.grid}
    assert reasons == {
        "good": None,
        "bad": "RuntimeError: out of luck",
        "wrong": "no such option",
        "dies": "its process died (out of memory?)",
    }
    good = [cell for cell in cells if cell.choices.get("method", "good") == "good"]
    assert all(finished(tmp_path / CELLS / cell.name) for cell in good)
    log = (tmp_path / CELLS / good[0].name / "logs" / "log.txt").read_text()
    assert "trained" in log
    bad = next(cell for cell in cells if cell.choices.get("method") == "bad")
    assert "Traceback" in (tmp_path / CELLS / bad.name / "logs" / "log.txt").read_text()
    calls = [line.split() for p in tmp_path.rglob("calls") for line in p.read_text().splitlines()]
    assert {group for _, group in calls} == {"mine"}
    assert len({pid for pid, _ in calls}) < len(calls)  # processes are reused

    before = len(calls)
    again = run_cells(study, cells, tmp_path, fit=fit, jobs=1, say=lambda line: None)
    assert again == failed
    calls = [[line] for p in tmp_path.rglob("calls") for line in p.read_text().splitlines()]
    assert len(calls) == before + len(failed)  # finished cells are not run again


def test_what_starts_from_a_failed_cell_is_not_run(study: Study, tmp_path: Path) -> None:
    cells = expand(study)
    failed = run_cells(study, cells, tmp_path, fit=failing_start, say=lambda line: None)
    assert set(failed) == {cell.name for cell in cells}
    first: Cell = next(cell for cell in cells if not cell.grid)
    assert failed[first.name] == "RuntimeError: no data"
    assert {reason for name, reason in failed.items() if name.startswith("main")} == {
        f"its pre-training {cell.name} failed" for cell in cells if not cell.grid
    }


def test_an_interrupt_ends_the_cells_at_work(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = expand(study)

    def interrupted(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("emorec.study.runner.wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_cells(study, cells, tmp_path, fit=slow, jobs=1, say=lambda line: None)
    time.sleep(3)
    assert not list(tmp_path.rglob("metrics.json"))


@pytest.mark.parametrize(
    ("fit", "reason"), [(unfinished, "is not finished"), (interrupted, "interrupted")]
)
def test_a_cell_without_a_result_is_not_taken_for_done(
    fit: Callable[[Sequence[str]], None], reason: str, tmp_path: Path
) -> None:
    study = read_study(write(tmp_path, pretrain=[], grids={"main": {"axes": {"a": {"b": {}}}}}))
    failed = run_cells(study, expand(study), tmp_path, fit=fit, say=lambda line: None)
    assert len(failed) == 2
    assert all(reason in text for text in failed.values())


@pytest.mark.slow
def test_a_cell_that_another_process_trains_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emorec.study.runner.PAUSE", 0.1)
    study = read_study(write(tmp_path, grids={"main": {"axes": {"a": {"b": {}}}}}))
    cells = expand(study)
    first = RunDirectory(tmp_path / CELLS / cells[0].name)
    first.lock()

    def elsewhere() -> None:
        time.sleep(3)
        first.checkpoints.mkdir()
        first.best.touch()
        NOTHING.write(first.metrics_file)
        first.release()

    other = threading.Thread(target=elsewhere)
    other.start()
    failed = run_cells(study, cells, tmp_path, fit=locking, jobs=2, say=lambda line: None)
    other.join()
    assert failed == {}
    assert all(finished(tmp_path / CELLS / cell.name) for cell in cells)
    assert not (first.path / "logs" / "calls").exists()
