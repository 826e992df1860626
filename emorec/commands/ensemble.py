"""``emorec ensemble``: finished runs as one model, each trusted for what it is good at."""

import argparse
import contextlib
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from emorec.commands.ensemble_weights import STATISTICS, restricted, weights_of, weights_table
from emorec.commands.finish import conditions, summary
from emorec.commands.members import (
    Clips,
    EnsembleError,
    check_splits,
    common_classes,
    data_of_run,
    votes_of,
)
from emorec.commands.options import CommandParser
from emorec.commands.parser import show_info
from emorec.data import EmotionDataModule
from emorec.data.splits.file import write_split
from emorec.data.splits.parts import Part
from emorec.evaluation.clips import Votes
from emorec.evaluation.decision import ClassDecision
from emorec.figures.plots import save_figure
from emorec.plugins import load_plugins
from emorec.predict import Predictor
from emorec.predict.checkpoint import Saved, load_model
from emorec.predict.ensemble import fused, pack
from emorec.predict.scoring import WHOLE
from emorec.runs.directory import RunDirectory
from emorec.runs.results import Results
from emorec.runs.tested_classes import TestedClasses
from emorec.system.files import whole, write_text
from emorec.system.progress import progress
from emorec.types import Classes

NAME = re.compile(r"[\w.+-]+")


def main(argv: Sequence[str]) -> None:
    """Fit the weights on validation clips, test, and write checkpoint and results."""
    load_plugins()
    options = build_parser().parse_args(list(argv[1:]))
    show_info()
    run = RunDirectory(options.run)
    keys = ("statistic", "power", "gate", "shrink", "only")
    model = {"ensemble": [str(path) for path in options.runs], "names": options.names}
    config = {"model": model | {key: getattr(options, key) for key in keys}}
    named = _named(options.runs, options.names)
    run.check_kind("ensemble")
    run.lock()
    try:
        kept = yaml.safe_load(run.config_file.read_text("utf-8")) if run.finished else None
        if kept == config and not options.overwrite:
            sys.stdout.write(f"{run.path} is finished; --overwrite repeats it\n")
        elif kept is not None and not options.overwrite:
            raise EnsembleError(
                f"{run.path} is a finished ensemble of other runs or with other options; name "
                "another folder with --run, or replace it with --overwrite"
            )
        else:
            _make(run, named, options, config)
        sys.stdout.write(run.summary_file.read_text("utf-8"))
    finally:
        run.release()


def _make(
    run: RunDirectory, named: Mapping[str, Path], options: Any, config: Mapping[str, Any]
) -> None:
    start = time.monotonic()
    members: dict[str, Saved] = {}
    datas: dict[str, EmotionDataModule] = {}
    votes: dict[Part, dict[str, Clips]] = {"val": {}, "test": {}}
    for name, path in progress(named.items(), unit="member", desc="ensemble"):
        member = RunDirectory(path.resolve())
        members[name] = load_model(member.best, trust=options.trust)
        # Its data's paths are relative to the folder it was started in.
        with contextlib.chdir(member.origin() or Path.cwd()):
            datas[name] = data_of_run(member)
            predictor = Predictor.from_saved(members[name], options.device)
            predictor.need_classes(f"a member of an ensemble ({path})")
            for part, found in votes.items():
                found[name] = votes_of(predictor, datas[name], part)
    check_splits(datas)
    classes = common_classes(members)
    weights = weights_of(
        list(votes["val"].values()),
        len(classes),
        options.statistic,
        options.power,
        gate=options.gate,
        shrink=options.shrink,
    )
    weights = restricted(weights, list(members), classes, options.only or [])
    data = max(datas.values(), key=lambda each: len(each.parts["test"].ids))
    marked = any(each.select_on_test for each in datas.values())
    data.for_run(resumed_split=data.part_of_clip, select_on_test=marked)
    tested = _tested(votes["test"], weights, classes, data)
    _discard(run)
    write_text(run.config_file, yaml.safe_dump(dict(config), sort_keys=False))
    for each in tested:
        suffix = "" if each.name == WHOLE else f"_{each.name}"
        write_text(run.path / f"predictions{suffix}.csv", each.table().to_csv(index=False))
        for name, figure in each.figures():
            save_figure(figure, run.path / f"{name}{suffix}.png")
    write_text(run.path / "weights.csv", weights_table(list(members), classes, weights))
    write_split(run.split_file, data.part_of_clip)
    run.checkpoints.mkdir(exist_ok=True)
    with whole(run.best) as file:
        torch.save(pack(list(members.items()), weights), file)
    results = {each.name: each.results() for each in tested}
    write_text(run.summary_file, summary(run, results, data, "all together"))
    run.write_timing(time.monotonic() - start)
    Results(finished=True, seed=0, **conditions(data), test=results, missing={}, stages={}).write(
        run.metrics_file
    )


def _discard(run: RunDirectory) -> None:
    """Delete what an earlier ensemble in the folder wrote, its results first."""
    run.metrics_file.unlink(missing_ok=True)
    for pattern in ("predictions*.csv", "confusion_matrix*.png", "reliability*.png"):
        for path in run.path.glob(pattern):
            path.unlink()


def _named(runs: Sequence[Path], given: Sequence[str] | None) -> dict[str, Path]:
    """Return name of each member -> its run; names are those of the folders if none are given.

    Raises:
        EnsembleError: There are fewer than two, or two have one name.
    """
    names = list(given or (path.resolve().name for path in runs))
    if len(names) != len(runs):
        raise EnsembleError(f"--names gives {len(names)} names for {len(runs)} runs")
    odd = [name for name in names if not NAME.fullmatch(name) or name == WHOLE]
    if odd:
        raise EnsembleError(
            f"a member cannot be called {odd[0]!r} (members have the names of their folders): give "
            "names of letters, digits, '.', '-', '+' and '_', other than fused, with --names"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise EnsembleError(
            f"two runs are called {twice[0]} (members have the names of their folders): --names "
            "gives others"
        )
    if len(names) < 2:
        raise EnsembleError("an ensemble has at least two runs")
    for path in runs:
        if not RunDirectory(path).finished:
            raise EnsembleError(
                f"{path} is not the directory of a finished run; emorec fit --run {path} finishes "
                "one"
            )
    return dict(zip(names, runs, strict=True))


def _tested(
    votes: Mapping[str, Clips], weights: Tensor, classes: Sequence[str], data: EmotionDataModule
) -> list[TestedClasses]:
    """Return the decisions on test clips: fused, and of each member."""
    decision = ClassDecision(Classes(classes))
    position = {clip.id: number for number, clip in enumerate(data.all_clips)}
    ids = sorted(
        {clip for each in votes.values() for clip in each if clip in position},
        key=position.__getitem__,
    )
    if not ids:
        raise EnsembleError("no member can use any test clip")
    by = {clip: {name: each[clip] for name, each in votes.items() if clip in each} for clip in ids}
    voted = {position[clip]: "+".join(each) for clip, each in by.items()}
    found = []
    for kind in (WHOLE, *(name for name, each in votes.items() if each.keys() & position.keys())):
        rows = []
        for clip in ids:
            if kind == WHOLE:
                given = {name: vote[0].tolist() for name, vote in by[clip].items()}
                shares = fused(given, list(votes), weights)
                _, target, segments = next(iter(by[clip].values()))
                rows.append((position[clip], torch.tensor(shares), target, segments))
            elif kind in by[clip]:
                rows.append((position[clip], *by[clip][kind]))
        columns = list(zip(*rows, strict=True))
        made = Votes(
            torch.tensor(columns[0]),
            torch.stack(list(columns[1])).float(),
            torch.tensor(columns[2]),
            torch.tensor(columns[3]),
        )
        found.append(TestedClasses(kind, made, made, decision, data, voted))
    return found


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "emorec ensemble",
        description="Put finished runs together: for each class, each member counts as much as it "
        "was right on validation clips of that class (emotion-adaptive fusion). The members may "
        "have other networks, modalities and windows; they have the same classes and the same "
        "split. Writes what fit writes, and a checkpoint that predict, app and explain take.",
        epilog="example: emorec ensemble runs/voice runs/faces --run runs/together",
    )
    parser.add_argument("runs", type=Path, nargs="+", help="directories of finished runs")
    parser.add_argument(
        "--names", nargs="+", metavar="NAME", help="one for each run; by default those of folders"
    )
    parser.add_argument("--run", type=Path, default=Path("runs/ensemble"), help="folder to write")
    parser.add_argument(
        "--statistic", choices=STATISTICS, default="recall", help="what a member is trusted by"
    )
    parser.add_argument(
        "--power", type=float, default=1.0, help="the larger, the more the best member decides"
    )
    parser.add_argument(
        "--gate",
        action="store_true",
        help="drop a member for classes where it is below the members' mean",
    )
    parser.add_argument(
        "--shrink",
        type=float,
        default=5.0,
        help="draw what was measured towards chance, by as much as so many clips say; 0: as it is",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        action="extend",
        metavar="MEMBER=CLASS,CLASS",
        help="the member counts for these classes alone",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ...")
    parser.add_argument("--overwrite", action="store_true", help="repeat a finished ensemble")
    parser.add_argument(
        "--trust",
        action="store_true",
        help="run the code that a checkpoint names; only for one from someone you trust",
    )
    return parser
