"""Cells as cluster jobs, by submitit."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from emorec.runs.directory import RunDirectory
from emorec.study.cells import Cell, runs_of
from emorec.study.config import Study, StudyError
from emorec.study.runner import CELLS, train
from emorec.system.files import write_text

SUBMITTED = "cells.json"  # name of a cell -> id of its last job


def submit_cells(
    study: Study,
    cells: Sequence[Cell],
    out: Path,
    *,
    fit: Callable[[Sequence[str]], None],
    parameters: Mapping[str, Any],
    cluster: str = "slurm",
    say: Callable[[str], None],
) -> list[Any]:
    """Submit the unfinished cells whose pre-training is finished, as one job array.

    Run the study again when they are done: this submits the cells that are ready then, and writes
    the report. A cell whose job ended early is resumed.

    Args:
        study: The study.
        cells: Its cells; those with the same name are one run.
        out: Folder of the study, on a disk that all machines share.
        fit: Runs ``fit``, or the command that the arguments name.
        parameters: Parameters of the jobs, by submitit's names: ``timeout_min``,
            ``slurm_partition``, ``gpus_per_node``, ``cpus_per_task``, ``mem_gb``,
            ``slurm_array_parallelism``, ...
        cluster: ``slurm``, or ``local`` (processes on this machine, for a trial).
        say: Called with each line for the user.

    Returns:
        submitit's jobs.

    Raises:
        StudyError: submitit is not installed, or does not know a parameter.
    """
    try:
        import submitit
    except ImportError as error:
        raise StudyError('--launcher slurm needs submitit: pip install "emorec[slurm]"') from error
    folder, cells = out / CELLS, runs_of(cells)
    done = {cell.name for cell in cells if RunDirectory(folder / cell.name).finished}
    kinds: dict[str, Any] = {"slurm": submitit.SlurmJob, "local": submitit.LocalJob}
    live = {
        name
        for name, number in _submitted(out).items()
        if name not in done and not kinds[cluster](out / "jobs", number).done()
    }
    waiting = [cell for cell in cells if cell.name not in done | live]
    ready = [cell for cell in waiting if done.issuperset(cell.after)]
    say(
        f"{len(cells)} cells, {len(done)} finished, {len(live)} queued or running, {len(ready)} "
        "submitted now"
    )
    if len(ready) < len(waiting):
        say(
            f"{len(waiting) - len(ready)} wait for pre-training: repeat the command when it is done"
        )
    if not ready:
        return []
    executor = submitit.AutoExecutor(out / "jobs", cluster=cluster)
    try:
        executor.update_parameters(name=study.name, **parameters)
    except (NameError, TypeError, ValueError) as error:
        raise StudyError(f"--slurm: {error}") from error
    jobs: list[Any] = []
    with executor.batch():
        for cell in ready:
            arguments = cell.arguments(folder, study.files, study.engine)
            jobs.append(executor.submit(train, fit, arguments, folder / cell.name, study.name))
    numbers = {cell.name: job.job_id for cell, job in zip(ready, jobs, strict=True)}
    write_text(out / "jobs" / SUBMITTED, json.dumps(_submitted(out) | numbers, indent=1))
    say(f"jobs {', '.join(job.job_id for job in jobs[:3])}, ...; their logs: {out / 'jobs'}")
    return jobs


def _submitted(out: Path) -> dict[str, str]:
    file = out / "jobs" / SUBMITTED
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}
