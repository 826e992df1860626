"""``emorec ensemble``: finished runs as one model, each trusted for what it is good at."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from emorec.commands.finish import conditions, summary
from emorec.commands.members import (
    Clips,
    EnsembleError,
    check_splits,
    common_classes,
    data_of_run,
    votes_of,
)
from emorec.commands.parser import show_info
from emorec.data import EmotionDataModule
from emorec.data.splits.file import write_split
from emorec.data.splits.parts import Part
from emorec.evaluation.clips import Votes
from emorec.evaluation.decision import ClassDecision
from emorec.figures.plots import save_figure
from emorec.fusion.late import class_weights
from emorec.plugins import load_plugins
from emorec.predict import Predictor
from emorec.predict.checkpoint import Saved, load_model
from emorec.predict.ensemble import fused, pack
from emorec.runs.directory import RunDirectory, RunError
from emorec.runs.results import Results
from emorec.runs.tested_classes import TestedClasses
from emorec.system.files import whole, write_text
from emorec.system.progress import progress
from emorec.types import Classes

STATISTICS = ("recall", "precision", "f1", "equal")


def main(argv: Sequence[str]) -> None:
    """Fit the weights on validation clips, test, and write checkpoint and results."""
    load_plugins()
    options = build_parser().parse_args(list(argv[1:]))
    show_info()
    run = RunDirectory(options.run)
    keys = ("statistic", "power", "gate", "shrink", "only")
    model = {"ensemble": [str(path) for path in options.runs], "names": options.names}
    config = {"model": model | {key: getattr(options, key) for key in keys}}
    _check_folder(run)
    run.lock()
    try:
        kept = yaml.safe_load(run.config_file.read_text("utf-8")) if run.finished else None
        if kept == config and not options.overwrite:
            sys.stdout.write(f"{run.path} is finished; --overwrite repeats it\n")
        else:
            run.metrics_file.unlink(missing_ok=True)
            write_text(run.config_file, yaml.safe_dump(config, sort_keys=False))
            _make(run, options)
        sys.stdout.write(run.summary_file.read_text("utf-8"))
    finally:
        run.release()


def _check_folder(run: RunDirectory) -> None:
    """Check that the folder is new, or that of an ensemble.

    Raises:
        RunError: It holds something else, such as a run of fit.
    """
    found = None
    if run.config_file.is_file():
        found = yaml.safe_load(run.config_file.read_text("utf-8")).get("model") or {}
    elif run.path.is_dir() and {p.name for p in run.path.iterdir()} - {".lock"}:
        found = {}
    if found is not None and "ensemble" not in found:
        raise RunError(f"{run.path} is not an ensemble's folder; name another one with --run")


def _make(run: RunDirectory, options: Any) -> None:
    start = time.monotonic()
    members: dict[str, Saved] = {}
    datas: dict[str, EmotionDataModule] = {}
    votes: dict[Part, dict[str, Clips]] = {"val": {}, "test": {}}
    for name, path in progress(
        _named(options.runs, options.names).items(), unit="member", desc="ensemble"
    ):
        member = RunDirectory(path)
        members[name] = load_model(member.best, trust=options.trust)
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
    tested = _tested(votes["test"], weights, classes, data)
    for each in tested:
        suffix = "" if each.name == "fused" else f"_{each.name}"
        write_text(run.path / f"predictions{suffix}.csv", each.table().to_csv(index=False))
        for name, figure in each.figures():
            save_figure(figure, run.path / f"{name}{suffix}.png")
    write_text(run.path / "weights.csv", weights_table(list(members), classes, weights))
    write_split(run.split_file, data.part_of_clip)
    run.checkpoints.mkdir(exist_ok=True)
    with whole(run.best) as file:
        torch.save(pack(list(members.items()), weights), file)
    results = {each.name: each.results() for each in tested}
    write_text(run.summary_file, summary(run, results, data))
    run.write_timing(time.monotonic() - start)
    Results(finished=True, seed=0, **conditions(data), test=results, missing={}, stages={}).write(
        run.metrics_file
    )


def _named(runs: Sequence[Path], given: Sequence[str] | None) -> dict[str, Path]:
    """Return name of each member -> its run; names are those of the folders if none are given.

    Raises:
        EnsembleError: There are fewer than two, or two have one name.
    """
    names = list(given or (path.resolve().name for path in runs))
    if len(names) != len(runs):
        raise EnsembleError(f"--names gives {len(names)} names for {len(runs)} runs")
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


def weights_of(
    votes: Sequence[Clips],
    classes: int,
    statistic: str = "recall",
    power: float = 1.0,
    *,
    gate: bool = False,
    shrink: float = 5.0,
) -> Tensor:
    """Return w, float64 (members, classes), columns of sum 1.

    w[m, c] = a[m, c]^q / sum over m' of a[m', c]^q. As epochs were chosen on the same validation
    clips and a class has few of them, a is drawn towards chance: with n_c clips of a class
    a' = (n_c a + k) / (n_c + k classes) for the recall a.

    Args:
        votes: Those of each member on validation clips.
        classes: Number of classes.
        statistic: a: ``recall``, ``precision``, ``f1``, or ``equal`` weights.
        power: q.
        gate: Drop a member for classes where it is below the members' mean.
        shrink: k; 0: as measured.

    Raises:
        EnsembleError: There is no labelled validation clip, or an option is out of range.
    """
    if statistic == "equal":
        return torch.full((len(votes), classes), 1 / len(votes), dtype=torch.float64)
    if statistic not in STATISTICS or power <= 0 or shrink < 0:
        raise EnsembleError(
            f"expected a statistic of {', '.join(STATISTICS)}, a power above 0 and a shrink of 0 "
            f"or more; got {statistic}, {power:g}, {shrink:g}"
        )
    confusion = torch.zeros(len(votes), classes, classes, dtype=torch.float64)
    for member, each in enumerate(votes):
        for scores, target, _ in each.values():
            if target >= 0:
                confusion[member, target, int(scores.argmax())] += 1
    if not confusion.any():
        raise EnsembleError(
            "the members have no labelled validation clip, on which weights are fitted: "
            "--statistic equal takes the plain mean"
        )
    return class_weights(confusion + shrink, statistic, power, gate=gate)  # type: ignore[arg-type]


def restricted(
    weights: Tensor, names: Sequence[str], classes: Sequence[str], only: Sequence[str]
) -> Tensor:
    """Return weights in which some members have 0 outside of classes of their own.

    Args:
        weights: float (members, classes), columns of sum 1.
        names: The members.
        classes: The classes.
        only: Such as ``voice=anger,fear``.

    Raises:
        EnsembleError: A member or a class does not exist, or no member is left for a class.
    """
    weights = weights.clone()
    for each in only:
        name, _, listed = each.partition("=")
        own = [value for value in listed.split(",") if value]
        if name not in names or not own or not set(own) <= set(classes):
            raise EnsembleError(
                f"--only {each}: expected MEMBER=CLASS,CLASS with members {', '.join(names)} and "
                f"classes {', '.join(classes)}"
            )
        others = [number for number, value in enumerate(classes) if value not in own]
        weights[names.index(name), others] = 0
    sums = weights.sum(0)
    if not (sums > 0).all():
        lost = classes[int((sums == 0).nonzero()[0])]
        raise EnsembleError(f"--only leaves no member for the class {lost}")
    return weights / sums


def weights_table(names: Sequence[str], classes: Sequence[str], weights: Tensor) -> str:
    """Return the weights as CSV: a line a member, a column a class."""
    rows = [
        ",".join([name, *(f"{value:.6f}" for value in row)])
        for name, row in zip(names, weights.tolist(), strict=True)
    ]
    return "\n".join([",".join(["member", *classes]), *rows]) + "\n"


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
    found = []
    for kind in ("fused", *votes):
        rows = []
        for clip in ids:
            by = {name: each[clip] for name, each in votes.items() if clip in each}
            if kind == "fused":
                shares = fused({n: v[0].tolist() for n, v in by.items()}, list(votes), weights)
                _, target, segments = next(iter(by.values()))
                rows.append((position[clip], torch.tensor(shares), target, segments))
            elif kind in by:
                rows.append((position[clip], *by[kind]))
        columns = list(zip(*rows, strict=True))
        made = Votes(
            torch.tensor(columns[0]),
            torch.stack(list(columns[1])).float(),
            torch.tensor(columns[2]),
            torch.tensor(columns[3]),
        )
        found.append(TestedClasses(kind, made, made, decision, data))
    return found


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = argparse.ArgumentParser(
        "emorec ensemble",
        description="Put finished runs together: for each class, each member counts as much as it "
        "was right on validation clips of that class (emotion-adaptive fusion). The members may "
        "have other networks, modalities and windows; they have the same classes and the same "
        "split. Writes what fit writes, and a checkpoint that predict, app and explain take.",
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
