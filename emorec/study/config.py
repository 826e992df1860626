"""The file of a study, read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from emorec.errors import UserError

Options = Mapping[str, Any]
"""Option of ``emorec fit`` -> value; ``stages.NAME.KEY`` is an option of a stage."""
FILES = ("trainer", "model", "data")
AXIS_NAMES_TAKEN = ("protocol", "fold", "seed", "scores", "grid")


class StudyError(UserError):
    """The file of a study is not as expected."""


@dataclass(frozen=True)
class Protocol:
    """How clips are split, and how often a cell is run.

    Attributes:
        options: What sets the split.
        folds: Folds to run; None: the split has none.
        seeds: Runs (of each fold). Without folds a seed is another split and other weights; with
            folds it is other weights only, as the division into folds stays.
    """

    options: Options
    folds: int | None = None
    seeds: int = 1


@dataclass(frozen=True)
class Grid:
    """All combinations of some choices, and the table and pictures made of them.

    Attributes:
        axes: Axis -> name of a choice -> options.
        options: Of all cells of the grid.
        pretrain_axes: Axes whose choice changes the pre-training.
        seeds: Runs, where not the protocol's.
        protocols: Which of the study's protocols; all where empty.
        skip: Combinations that are left out: axis -> choices, of all of which one must be met.
        lines: Pictures: ``x`` (the axis whose choices are numbers), ``by`` (the axis that gives
            the lines), ``panel`` (the one that gives the panels), ``log``.
    """

    axes: Mapping[str, Mapping[str, Options]]
    options: Options = field(default_factory=dict)
    pretrain_axes: tuple[str, ...] = ()
    seeds: int | None = None
    protocols: tuple[str, ...] = ()
    skip: tuple[Mapping[str, Any], ...] = ()
    lines: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Study:
    """A study, whole.

    Attributes:
        name: Its name; the W&B group.
        files: ``trainer``, ``model`` and ``data``: files of configs.
        stages: Stages of training, as in an experiment.
        pretrain: Names of the first stages that are trained once and shared by cells.
        options: Of all cells.
        protocols: Name -> protocol.
        grids: Name -> grid.
        published: Numbers of a publication: ``where`` (axis -> choice), ``accuracy``, ``source``.
        relations: Order relations to check: ``say``, ``greater`` and ``less`` (axis -> choice;
            ``scores`` for one modality alone).
    """

    name: str
    files: Mapping[str, Path]
    stages: Mapping[str, Options]
    protocols: Mapping[str, Protocol]
    grids: Mapping[str, Grid]
    pretrain: tuple[str, ...] = ()
    options: Options = field(default_factory=dict)
    published: tuple[Mapping[str, Any], ...] = ()
    relations: tuple[Mapping[str, Any], ...] = ()


def read_study(path: Path) -> Study:
    """Read the file of a study.

    Raises:
        StudyError: It is missing, or not as expected; the message says where.
    """
    if not path.is_file():
        raise StudyError(f"study {path} not found; configs/study has those that are shipped")
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise StudyError(f"{path} is not YAML: {error}") from error
    if not isinstance(tree, dict):
        raise StudyError(f"{path} is no study: expected keys such as stages, protocols and grids")
    _known(path, "the study", tree, {*FILES, *Study.__dataclass_fields__} - {"files"})
    for key in (*FILES, "stages", "protocols", "grids"):
        if not tree.get(key):
            raise StudyError(f"{path}: {key} is missing")
    study = Study(
        name=str(tree.get("name", path.stem)),
        files={key: (path.parent / tree[key]).resolve() for key in FILES},
        stages=tree["stages"],
        pretrain=tuple(tree.get("pretrain") or ()),
        options=tree.get("options") or {},
        protocols={
            name: Protocol(**_checked(path, name, value, Protocol))
            for name, value in tree["protocols"].items()
        },
        grids={name: _grid(path, name, value) for name, value in tree["grids"].items()},
        published=tuple(tree.get("published") or ()),
        relations=tuple(tree.get("relations") or ()),
    )
    if list(study.pretrain) != list(study.stages)[: len(study.pretrain)]:
        raise StudyError(f"{path}: pretrain must be the first of the stages, in their order")
    for name, grid in study.grids.items():
        other = sorted(set(grid.protocols) - set(study.protocols))
        if other:
            raise StudyError(f"{path}, {name}: there is no protocol {other[0]!r}")
    check_stages(study, str(path))
    return study


def check_stages(study: Study, where: str) -> None:
    """Check that options of stages are of stages that there are: others would change nothing.

    Raises:
        StudyError: One is not.
    """
    parts = [study.options, *(protocol.options for protocol in study.protocols.values())]
    for grid in study.grids.values():
        choices = [options for axis in grid.axes.values() for options in axis.values()]
        parts += [grid.options, *choices]
    for key in (key for options in parts for key in options if key.startswith("stages.")):
        _, _, rest = key.partition(".")
        if rest.partition(".")[0] not in study.stages or "." not in rest:
            raise StudyError(
                f"{where}: {key} is no option of a stage (stages: {', '.join(study.stages)}); "
                "one is such as stages.joint.epochs"
            )


def _grid(path: Path, name: str, value: Any) -> Grid:
    grid = _checked(path, name, value, Grid)
    axes = {
        str(axis): {str(choice): _options(path, options) for choice, options in choices.items()}
        for axis, choices in grid.get("axes", {}).items()
    }
    taken = sorted(set(axes) & set(AXIS_NAMES_TAKEN))
    if taken or not axes or not all(axes.values()):
        raise StudyError(
            f"{path}, {name}: axes are needed, each with choices, and none called "
            f"{', '.join(AXIS_NAMES_TAKEN)}"
        )
    unknown = sorted(set(grid.get("pretrain_axes") or ()) - set(axes))
    if unknown:
        raise StudyError(f"{path}, {name}: pretrain_axes has {unknown[0]!r}, which is no axis")
    return Grid(
        axes=axes,
        options=grid.get("options") or {},
        pretrain_axes=tuple(grid.get("pretrain_axes") or ()),
        seeds=grid.get("seeds"),
        protocols=tuple(grid.get("protocols") or ()),
        skip=tuple(grid.get("skip") or ()),
        lines=tuple(grid.get("lines") or ()),
    )


def _options(path: Path, options: Any) -> Options:
    """Return options, with files of configs found from the study's folder."""
    found = dict(options or {})
    return found | {key: str((path.parent / found[key]).resolve()) for key in FILES if key in found}


def _checked(path: Path, name: str, value: Any, kind: type) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise StudyError(f"{path}, {name}: expected keys such as {_fields(kind)}")
    _known(path, name, value, set(kind.__dataclass_fields__))  # type: ignore[attr-defined]
    return value


def _known(path: Path, where: str, found: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(found) - known)
    if unknown:
        raise StudyError(
            f"{path}, {where}: unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        )


def _fields(kind: type) -> str:
    return ", ".join(kind.__dataclass_fields__)  # type: ignore[attr-defined]
