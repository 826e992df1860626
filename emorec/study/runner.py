"""Trains the unfinished cells of a study, several at once, in reused processes."""

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from emorec.errors import UserError
from emorec.runs.directory import RunBusyError, RunDirectory
from emorec.runs.results import Results
from emorec.study.cells import Cell, runs_of
from emorec.study.config import Study
from emorec.system.progress import progress
from emorec.system.workers import worker_pool

CELLS = "cells"  # folder of the run directories
BUSY = "another process is training it"
PAUSE = 5.0  # seconds between checks of cells that another process trains


def finished(folder: Path) -> Results | None:
    """Return the results of a run directory, None if the run is not finished."""
    return RunDirectory(folder).results()


def run_cells(
    study: Study,
    cells: Sequence[Cell],
    out: Path,
    *,
    fit: Callable[[Sequence[str]], None],
    jobs: int = 1,
    say: Callable[[str], None],
) -> dict[str, str]:
    """Train all unfinished cells; one that fails does not stop the others.

    A cell that was interrupted or killed is resumed. Its output is in ``logs/log.txt`` of its run
    directory. A cell whose pre-training, or member, failed is not run.

    Args:
        study: The study.
        cells: Its cells; those with the same name are one run.
        out: Folder of the study; the run directories are in ``cells``.
        fit: Runs ``fit``, or the command that the arguments name; called in other processes.
        jobs: Number of processes; each trains one cell after the other.
        say: Called with each line for the user.

    Returns:
        Name of a cell -> why it failed.
    """
    folder, cells = out / CELLS, runs_of(cells)
    done = {cell.name for cell in cells if RunDirectory(folder / cell.name).finished}
    waiting = [cell for cell in cells if cell.name not in done]
    say(f"{len(cells)} cells, {len(done)} finished, {len(waiting)} to run in {folder}")
    failed: dict[str, str] = {}
    if not waiting:
        return failed
    threads = max(1, (os.cpu_count() or 1) // jobs)
    with contextlib.ExitStack() as stack, progress(total=len(waiting), unit="cell") as bar:

        def new_pool() -> ProcessPoolExecutor:
            return stack.enter_context(worker_pool(1, prepare_worker, threads))

        elsewhere: set[str] = set()  # cells that another process was training
        idle = [new_pool() for _ in range(min(jobs, len(waiting)))]
        busy: dict[Future[str | None], tuple[Cell, ProcessPoolExecutor]] = {}
        while waiting or busy:
            for cell in [c for c in waiting if any(name in failed for name in c.after)]:
                first = next(name for name in cell.after if name in failed)
                what = "member" if cell.members else "pre-training"
                failed[cell.name] = f"its {what} {first} failed"
                waiting.remove(cell)
                bar.update()
            for cell in [
                c for c in waiting if c.name in elsewhere and RunDirectory(folder / c.name).finished
            ]:
                waiting.remove(cell)
                done.add(cell.name)
                bar.update()
            ready = [c for c in waiting if done.issuperset(c.after)]
            own = [c for c in ready if c.name not in elsewhere]
            if ready and not own and not busy:  # other processes train all that is left
                time.sleep(PAUSE)
                own = ready
            while idle and own:
                cell = own.pop(0)
                waiting.remove(cell)
                pool = idle.pop()
                arguments = cell.arguments(folder, study.files, study.engine)
                busy[pool.submit(train, fit, arguments, folder / cell.name, study.name)] = (
                    cell,
                    pool,
                )
            for future in wait(busy, return_when=FIRST_COMPLETED).done if busy else ():
                cell, pool = busy.pop(future)
                try:
                    error = future.result()
                except BrokenProcessPool:
                    error, pool = "its process died (out of memory?)", new_pool()
                idle.append(pool)
                if error == BUSY:
                    elsewhere.add(cell.name)
                    waiting.append(cell)
                    continue
                elsewhere.discard(cell.name)
                if error is None and not RunDirectory(folder / cell.name).finished:
                    error = (
                        "it ended without an error but is not finished (did a callback stop it?)"
                    )
                if error is None:
                    done.add(cell.name)
                else:
                    failed[cell.name] = error
                    say(f"{cell.name} failed: {error}")
                bar.set_postfix(failed=len(failed), refresh=False)
                bar.update()
    return failed


def train(
    fit: Callable[[Sequence[str]], None], arguments: Sequence[str], run: Path, group: str
) -> str | None:
    """Train one cell in this process, its output in ``logs/log.txt``.

    Args:
        fit: Runs ``fit``, or the command that the arguments name.
        arguments: Its arguments.
        run: The run directory that they name.
        group: W&B group of the run.

    Returns:
        None, or why it failed: the last line of its output, or :data:`BUSY`.
    """
    os.environ["WANDB_RUN_GROUP"] = group
    run.mkdir(parents=True, exist_ok=True)
    # In logs: fit refuses a folder with files that are not a run's.
    log = run / "logs" / "log.txt"
    log.parent.mkdir(exist_ok=True)
    with _output_in(log):
        try:
            fit(arguments)
        except SystemExit as stop:  # raised on a wrong option
            if stop.code in (0, None):
                return None
            sys.stderr.flush()
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            return lines[-1] if lines else f"status {stop.code}"
        except RunBusyError:
            return BUSY
        except KeyboardInterrupt:  # Lightning raises it on SIGTERM, too
            return "interrupted; repeat the command to resume"
        except UserError as error:
            sys.stderr.write(f"{error}\n")
            return str(error).splitlines()[0]
        except Exception as error:  # one cell must not stop a study
            traceback.print_exc()
            return f"{type(error).__name__}: {error}".splitlines()[0]
    return None


@contextlib.contextmanager
def _output_in(log: Path) -> Iterator[None]:
    """Append the output of this process, including that of libraries, to a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("ab") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, before in zip((1, 2), kept, strict=True):
            os.dup2(before, descriptor)
            os.close(before)


def prepare_worker(threads: int) -> None:
    """Prepare a worker process: set its share of the cores."""
    import torch

    os.environ.setdefault("TQDM_DISABLE", "1")  # progress bars are useless in logs
    torch.set_num_threads(threads)
