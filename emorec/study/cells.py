"""The cells of a study: its runs, and the options that each is trained with."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from emorec.study.config import (
    BASELINE,
    ENSEMBLE,
    FILES,
    GENERATED,
    OF_BASELINES,
    OF_ENSEMBLES,
    Grid,
    Options,
    Protocol,
    Study,
    StudyError,
    changes_pretraining,
)
from emorec.system.files import digest, digest_as_it_is

NOTHING = "none"  # label of pre-training that no choice changes


@dataclass(frozen=True)
class Cell:
    """One run.

    Attributes:
        name: The name of its run directory. Cells with the same options, in one grid or several,
            share a name: they are one run.
        grid: Its grid; empty for pre-training.
        choices: Axis -> choice.
        protocol: Name of the protocol.
        fold: The fold, from 1; None if the split has no folds.
        seed: The seed, from 0.
        options: Option of ``emorec fit`` -> value, without the stages and the run directory.
        stages: Its stages.
        start: Name of the cell whose weights it starts from.
        members: For an ensemble, choice -> name of the cell that it is made of.
        generator: Name of the cell whose generated segments join its training.
    """

    name: str
    grid: str
    choices: Mapping[str, str]
    protocol: str
    fold: int | None
    seed: int
    options: Options = field(default_factory=dict, hash=False)
    stages: Mapping[str, Options] = field(default_factory=dict, hash=False)
    start: str | None = None
    members: Mapping[str, str] = field(default_factory=dict, hash=False)
    generator: str | None = None

    @property
    def after(self) -> tuple[str, ...]:
        """Names of the cells that must be finished before."""
        others = (name for name in (self.start, self.generator) if name is not None)
        return (*self.members.values(), *others)

    def arguments(self, folder: Path, files: Mapping[str, Path], engine: str = "fit") -> list[str]:
        """Return the arguments of ``emorec`` that train this cell.

        Args:
            folder: The folder of the run directories.
            files: The study's files.
            engine: The study's engine: the command, unless the cell is a baseline.
        """
        if self.members:
            flags = _flags({k: v for k, v in self.options.items() if k in OF_ENSEMBLES})
            runs = [str(folder / name) for name in self.members.values()]
            names = ["--names", *self.members]
            return ["ensemble", *runs, *names, *flags, f"--run={folder / self.name}"]
        every = {**{key: str(path) for key, path in files.items()}, **self.options}
        if BASELINE in every:
            kept = [k for k in every if k.partition(".")[0] in OF_BASELINES]
            arguments = [
                f"--{k}={_text(every[k])}" for k in sorted(kept, key=lambda k: k != "data")
            ]
            own = [f"--method={every[BASELINE]}", f"--run={folder / self.name}"]
            return ["baseline", *arguments, *own]
        # Files come first: the options after them override their values.
        order = sorted(every, key=lambda key: (key not in files, key))
        arguments = [engine, *(f"--{key}={_text(every[key])}" for key in order)]
        arguments.append(f"--training.stages={json.dumps(self.stages)}")
        if self.start is not None:
            last = folder / self.start / "checkpoints" / "best.ckpt"
            arguments.append(f"--training.start={last}")
        if self.generator is not None:
            arguments.append(f"--data.generated.folder={folder / self.generator / GENERATED}")
        return [*arguments, f"--run={folder / self.name}"]


def expand(study: Study, grids: Sequence[str] | None = None) -> list[Cell]:
    """Return all cells of a study, pre-training first (each run once).

    Args:
        study: The study.
        grids: Only these grids; None: all. Names of runs do not depend on it.
    """
    names: dict[str, str] = {}
    first: dict[str, Cell] = {}
    cells: list[Cell] = []
    for name, grid in study.grids.items():
        for cell in _of_grid(study, name, grid, names):
            if grids is None or name in grids:
                if cell.grid:
                    cells.append(cell)
                else:
                    first.setdefault(cell.name, cell)
    return [*first.values(), *cells]


def runs_of(cells: Sequence[Cell]) -> list[Cell]:
    """Return one cell for each run."""
    found: dict[str, Cell] = {}
    for cell in cells:
        found.setdefault(cell.name, cell)
    return list(found.values())


def _of_grid(study: Study, name: str, grid: Grid, names: dict[str, str]) -> Iterator[Cell]:
    kept = {key: stage for key, stage in study.stages.items() if key not in study.pretrain}
    first = {key: stage for key, stage in study.stages.items() if key in study.pretrain}
    made: dict[tuple[str, ...], str] = {}
    for picked in itertools.product(*(choices.items() for choices in grid.axes.values())):
        chosen = dict(zip(grid.axes, picked, strict=True))
        choices = {axis: choice for axis, (choice, _) in chosen.items()}
        if any(_meets(choices, skipped) for skipped in grid.skip):
            continue
        for protocol, fold, seed, repeat in _repeats(study, grid):
            run = f"{protocol}{'' if fold is None else f'-fold{fold}'}-seed{seed}"
            start, before = None, ""
            alone = any({BASELINE, ENSEMBLE} & set(each) for _, each in chosen.values())
            if first and not alone:
                axes = {axis: chosen[axis] for axis in grid.pretrain_axes}
                of_grid = {k: v for k, v in grid.options.items() if changes_pretraining(study, k)}
                picks = [options for _, options in axes.values()]
                parts = [study.options, study.pretrain_options, of_grid, *picks, repeat]
                options, stages = _merge(parts, first)
                label = "-".join(f"{axis}-{choice}" for axis, (choice, _) in axes.items())
                before = content_of({**study.files, **options, "stages": stages})
                start = name_of("pretrain", label or NOTHING, run, before, names)
                shared = {axis: choice for axis, (choice, _) in axes.items()}
                yield Cell(start, "", shared, protocol, fold, seed, options, stages)
            parts = [study.options, grid.options, *(o for _, o in chosen.values()), repeat]
            options, stages = _merge(parts, kept)
            label = "-".join(choices.values())
            members = _earlier(name, ENSEMBLE, chosen, run, made)
            (generator,) = _earlier(name, GENERATED, chosen, run, made).values() or (None,)
            options.pop(GENERATED, None)
            content = {**study.files, **options, "stages": stages, "start": before}
            needed = {"members": list(members.values()), "generator": generator}
            whole = content_of(content | {k: v for k, v in needed.items() if v})
            own = name_of(name, label, run, whole, names)
            made[*choices.values(), run] = own
            cell = own, name, choices, protocol, fold, seed, options, stages
            yield Cell(*cell, start, members, generator)


def _earlier(
    grid: str,
    option: str,
    chosen: Mapping[str, tuple[str, Options]],
    run: str,
    made: Mapping[tuple[str, ...], str],
) -> dict[str, str]:
    """Return choice -> cell of the earlier choices that an option names; empty without it.

    Raises:
        StudyError: It names what is no earlier choice of the same axis.
    """
    found: dict[str, str] = {}
    for axis, (_, options) in chosen.items():
        named = options.get(option, ())
        for member in [named] if isinstance(named, str) else named:
            key = [member if a == axis else choice for a, (choice, _) in chosen.items()]
            if (*key, run) not in made:
                raise StudyError(
                    f"grid {grid}: {option} of {axis} names {member!r}, which is no earlier choice "
                    "of that axis"
                )
            found[member] = made[*key, run]
    return found


def _meets(choices: Mapping[str, str], wanted: Mapping[str, Any]) -> bool:
    """Return whether each axis in ``wanted`` has its choice, or one of a list of choices."""
    return all(
        choices[axis] in [str(c) for c in (which if isinstance(which, list) else [which])]
        for axis, which in wanted.items()
    )


def _repeats(study: Study, grid: Grid) -> Iterator[tuple[str, int | None, int, Options]]:
    """Yield protocol, fold, seed, and the options that set them."""
    for name, protocol in study.protocols.items():
        if grid.protocols and name not in grid.protocols:
            continue
        for fold in range(1, protocol.folds + 1) if protocol.folds else [None]:
            for seed in range(grid.seeds or protocol.seeds):
                yield name, fold, seed, {**protocol.options, **_seeds(protocol, fold, seed)}


def _seeds(protocol: Protocol, fold: int | None, seed: int) -> Options:
    if fold is None:
        return {"seed_everything": seed, "data.seed": seed}
    return {"seed_everything": seed, "data.fold": fold}


def _merge(
    parts: Sequence[Options], stages: Mapping[str, Options]
) -> tuple[dict[str, Any], dict[str, Options]]:
    """Return options and stages after merging all parts; later parts win."""
    options: dict[str, Any] = {}
    merged = {name: dict(stage) for name, stage in stages.items()}
    for part in parts:
        for key, value in part.items():
            head, _, rest = key.partition(".")
            if head != "stages":
                options[key] = value
                continue
            stage, _, of_stage = rest.partition(".")
            if stage in merged:  # others belong to pre-training, or to the joint stage
                merged[stage][of_stage] = value
    return options, dict(merged)


def _flags(options: Options) -> list[str]:
    """Return arguments for a plain parser: switches without a value, lists as several values."""
    found: list[str] = []
    for key, value in options.items():
        if isinstance(value, list):
            found += [f"--{key}", *map(str, value)]
        elif value is not False:
            found.append(f"--{key}" if value is True else f"--{key}={value}")
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


LONGEST = 1000  # characters; longer options are not paths


def content_of(options: Options) -> str:
    """Return everything that determines a run's result, as text.

    Files (configs, manifests, lists of folds) count by content: changing one gives new cells,
    moving it does not. The content of a data set's folder does not count.
    """
    whole = dict(options)
    for key in FILES:
        path = Path(options[key])
        whole[key] = _tree(path, path.stat().st_mtime_ns) if path.is_file() else str(path)
    return json.dumps(_with_files(whole), sort_keys=True, default=str)


def _with_files(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {key: _with_files(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_with_files(value) for value in tree]
    if isinstance(tree, str) and len(tree) < LONGEST and Path(tree).is_file():
        path = Path(tree)
        stat = path.stat()
        return digest_as_it_is(path, stat.st_size, stat.st_mtime_ns)
    return tree


@cache  # all cells read the same files
def _tree(path: Path, changed: int) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def name_of(grid: str, label: str, run: str, content: str, names: dict[str, str]) -> str:
    """Return a name that is valid for a folder; a digest separates different options.

    Equal content keeps its first name, which is stored in ``names``.
    """
    readable = re.sub(r"[^A-Za-z0-9.+_-]+", "_", f"{grid}-{label}-{run}")
    name = f"{readable}-{digest(content, 4).hex()}"
    return names.setdefault(content, name)
