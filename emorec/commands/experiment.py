"""``emorec experiment``: a study, from its file to its tables."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from emorec.commands.baseline import main as baseline
from emorec.commands.ensemble import main as ensemble
from emorec.commands.memory import main as memory
from emorec.commands.options import CommandParser
from emorec.commands.train import main as fit
from emorec.errors import UserError
from emorec.runs.directory import RunDirectory
from emorec.study import Cell, Study, read_study
from emorec.study.cells import expand, runs_of
from emorec.study.config import check_options
from emorec.study.report import write_report
from emorec.study.runner import CELLS, run_cells
from emorec.study.slurm import submit_cells


def main(argv: Sequence[str]) -> None:
    """Run the missing cells of a study and write its tables."""
    options = build_parser().parse_args(argv[1:])
    study = read_study(options.config)
    unknown = sorted(set(options.grid or ()) - set(study.grids))
    if unknown:
        raise UserError(f"no grid {unknown[0]!r}; the study has {', '.join(study.grids)}")
    study = _overridden(study, options.set)
    cells = expand(study, options.grid)
    out: Path = (options.out or Path("runs") / study.name).resolve()
    if options.dry_run:
        _list(runs_of(cells), out, options.jobs)
        return
    out.mkdir(parents=True, exist_ok=True)
    failed: dict[str, str] = {}
    if options.launcher == "local":
        failed = run_cells(study, cells, out, fit=run, jobs=options.jobs, say=_say)
    else:
        parameters = dict(_setting(text) for text in options.slurm)
        submit_cells(study, cells, out, fit=run, parameters=parameters, say=_say)
    write_report(study, cells, out)
    for name, reason in failed.items():
        _say(f"failed: {name}: {reason} ({out / CELLS / name / 'logs' / 'log.txt'})")
    runs = runs_of(cells)
    done = sum(RunDirectory(out / CELLS / cell.name).finished for cell in runs)
    _say(f"{done} of {len(runs)} cells finished, {len(failed)} failed; {out / 'table.md'}")
    if failed:
        raise SystemExit(1)


def run(argv: Sequence[str]) -> None:
    """Run the command of one cell: fit, baseline, ensemble, or fit in memory."""
    {"baseline": baseline, "ensemble": ensemble, "memory": memory, "fit": fit}[argv[0]](argv)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "emorec experiment",
        description="Run a study: all combinations of methods, options, protocols, folds and "
        "seeds, each a run of fit in its own directory. After an interruption the same command "
        "continues: finished cells are skipped. Writes results.csv (a row a run and kind of "
        "scores), predictions.csv (of classes), table.md, table.tex and pictures.",
        epilog="example: emorec experiment --config ravdess --set data.root=path/to/ravdess "
        "--jobs 2. Exit status: 1 if a cell failed; the other cells still run.",
    )
    parser.add_argument(
        "--config",
        type=Path,
        required=True,
        help="a study of yours, or the name of one: emorec configs list study",
    )
    parser.add_argument("--out", type=Path, help="folder of the study; runs/NAME by default")
    parser.add_argument("--jobs", type=int, default=1, help="cells at once")
    parser.add_argument("--grid", nargs="+", action="extend", help="only these grids of the study")
    parser.add_argument("--dry-run", action="store_true", help="print the cells, run nothing")
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="OPTION=VALUE",
        help="options of fit for all cells, such as data.root=DIR or stages.joint.epochs=10",
    )
    parser.add_argument("--launcher", choices=("local", "slurm"), default="local")
    parser.add_argument(
        "--slurm",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="options of the jobs, as submitit names them: timeout_min=600 slurm_partition=gpu "
        "gpus_per_node=1 cpus_per_task=8",
    )
    return parser


def _overridden(study: Study, settings: Sequence[str]) -> Study:
    study = replace(study, options={**study.options, **dict(_setting(s) for s in settings)})
    check_options(study, "--set")
    return study


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"{text!r} is not a setting; expected NAME=VALUE")
    return name, yaml.safe_load(value)


def _list(cells: Sequence[Cell], out: Path, jobs: int) -> None:
    """Print the cells, and an estimate of how long the missing ones will take."""
    seconds: dict[bool, list[float]] = {True: [], False: []}  # by whether it is pre-training
    missing = {True: 0, False: 0}
    for cell in cells:
        run, first = RunDirectory(out / CELLS / cell.name), cell.grid == ""
        if not run.finished:
            missing[first] += 1
        elif taken := run.training_seconds():
            seconds[first].append(taken)
        state = "finished" if run.finished else f"after {cell.after[0]}" if cell.after else "to run"
        sys.stdout.write(f"{cell.name}  {state}\n")
    known = all(seconds[kind] or not missing[kind] for kind in missing)
    total = sum(
        missing[kind] * sum(seconds[kind]) / len(seconds[kind]) for kind in missing if seconds[kind]
    )
    count = sum(missing.values())
    time = f"about {total / jobs / 3600:.1f} hours" if known else "no estimate until one has run"
    _say(f"{len(cells)} cells, {count} to run: {time} with {jobs} job(s)")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
