"""``emorec sweep``: a search for options by Optuna, judged on validation clips."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from emorec.commands.options import CommandParser


def main(argv: Sequence[str]) -> None:
    """Run the missing trials of a sweep and write its tables."""
    options = build_parser().parse_args(argv[1:])
    from emorec.commands.train import main as fit  # late: --help should not wait for torch
    from emorec.study.sweep.config import read_sweep
    from emorec.study.sweep.report import write_sweep
    from emorec.study.sweep.run import open_search, run_sweep

    sweep = read_sweep(options.config)
    if options.trials is not None:
        sweep = replace(sweep, trials=options.trials)
    out: Path = (options.out or Path("runs") / sweep.name).resolve()

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    run_sweep(sweep, out, fit=fit, jobs=options.jobs, say=say)
    sys.stdout.write(write_sweep(sweep, open_search(sweep, out), out))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "emorec sweep",
        description="Search for options with Optuna. A trial is a run of fit that never looks at "
        "test clips; hopeless ones are stopped early (median of the others at the same epoch). "
        "After an interruption the same command continues. Writes trials.csv, best.yaml, sweep.png "
        "and sweep.db (for optuna-dashboard), and prints the command that tests the best options.",
        epilog="example: emorec sweep --config demo --jobs 2. A file is such as "
        "configs/search/demo.yaml: config, space (option of fit -> "
        "choices, or low and high), trials, metric, options, seed.",
    )
    parser.add_argument(
        "--config",
        type=Path,
        required=True,
        help="a file of yours, or the name of one: emorec configs list search",
    )
    parser.add_argument("--out", type=Path, help="folder; runs/<name of the file> by default")
    parser.add_argument("--trials", type=int, help="how many in all, instead of the file's")
    parser.add_argument("--jobs", type=int, default=1, help="trials at once, a process each")
    return parser
