"""``emorec baseline``: classical classifiers on the cached features, with the results of a run."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from emorec.baselines import METHODS, BaselineError, run_baseline
from emorec.commands.finish import conditions, summary
from emorec.commands.parser import EmorecParser, data_of
from emorec.data import EmotionDataModule
from emorec.data.splits.file import write_split
from emorec.figures.plots import save_figure
from emorec.runs.directory import RunDirectory
from emorec.runs.results import Results
from emorec.system.files import write_text

ALL = "all"


def main(argv: Sequence[str]) -> None:
    """Fit each method on training clips, and write what it decides for test clips."""
    options, data = data_of(build_parser, argv)
    plain = yaml.safe_load(build_parser().dump(options, skip_validation=True))
    methods = METHODS if options.method == ALL else (options.method,)
    folder = options.run or Path("runs") / "baseline" / type(data).__name__.lower()
    extra = {"settings": options.settings} if options.settings else {}
    if extra and options.method == ALL:
        raise BaselineError("--settings are those of one method; name it with --method")
    extra |= {"refit": True} if options.refit else {}
    for method in methods:
        run = RunDirectory(folder / method if options.method == ALL else folder)
        config = {
            "seed_everything": options.seed_everything,
            "model": {"baseline": method, **extra},
            "data": plain["data"],
        }
        _run(run, data, method, config, overwrite=options.overwrite)


def _run(
    run: RunDirectory,
    data: EmotionDataModule,
    method: str,
    config: dict[str, Any],
    *,
    overwrite: bool,
) -> None:
    """Write one method's run directory; a finished one is left as it is."""
    run.check_kind("baseline")
    if overwrite:
        run.lock()
    else:
        run.open_again(config)
    try:
        if run.finished and not overwrite:
            sys.stdout.write(f"{run.path} is finished; --overwrite repeats it\n")
        else:
            run.metrics_file.unlink(missing_ok=True)
            write_text(run.config_file, yaml.safe_dump(config, sort_keys=False))
            data.prepare_data()
            data.setup("fit")
            _write(run, data, config["model"], int(config["seed_everything"]))
        text = run.summary_file.read_text(encoding="utf-8")
        sys.stdout.write(f"\n{method} ({run.path})\n{text}")
    finally:
        run.release()


def _write(run: RunDirectory, data: EmotionDataModule, model: dict[str, Any], seed: int) -> None:
    start = time.monotonic()
    tested, chosen = run_baseline(
        data, model["baseline"], seed, model.get("settings"), refit="refit" in model
    )
    seconds = time.monotonic() - start
    write_split(run.split_file, data.part_of_clip)
    for each in tested:
        suffix = "" if each.name == "fused" else f"_{each.name}"
        write_text(run.path / f"predictions{suffix}.csv", each.table().to_csv(index=False))
        for name, figure in each.figures():
            save_figure(figure, run.path / f"{name}{suffix}.png")
    results = {each.name: each.results() for each in tested}
    write_text(run.summary_file, summary(run, results, data))
    run.write_timing(seconds)
    Results(
        finished=True,
        seed=seed,
        **conditions(data),
        test=results,
        missing={},
        stages={name: each._asdict() for name, each in chosen.items()},
    ).write(run.metrics_file)


def build_parser() -> EmorecParser:
    """Return the parser of the command."""
    parser = EmorecParser(
        "emorec baseline",
        description="Fit classical classifiers (scikit-learn) on the cached features of a data "
        "set: logistic regression, a support vector machine, gradient-boosted trees. Each clip is "
        "one vector: mean and standard deviation over windows and time. Their settings are chosen "
        "by UAR on validation clips. Writes what fit writes (metrics.json, predictions.csv, "
        "confusion matrices), for the same split: the floor that a model has to beat.",
        epilog="example: emorec baseline --data quick --data.manifest clips.csv --run runs/floor",
    )
    parser.add_argument(
        "--method", choices=(*METHODS, ALL), default=ALL, help="one, or each in a folder of its own"
    )
    parser.add_argument(
        "--settings",
        type=dict[str, float | int] | None,
        default=None,
        help="fix a setting instead of choosing it on validation clips, such as --settings.C 0.01",
    )
    parser.add_argument(
        "--refit",
        type=bool,
        default=False,
        help="fit once more, with the chosen settings, on training and validation clips",
    )
    parser.add_argument(
        "--run", type=Path | None, default=None, help="folder; runs/baseline/<data set> by default"
    )
    parser.add_argument("--seed_everything", type=int, default=0, help="seed of the trees")
    parser.add_argument(
        "--overwrite", action="store_true", help="repeat what is finished in the folder"
    )
    parser.add_subclass_arguments(
        EmotionDataModule,
        "data",
        required=True,
        help="a data file of yours, or the name of one: emorec configs list data",
    )
    return parser
