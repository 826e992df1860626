"""Reads and checks the file of a study."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from emorec.evaluation.measures import MEASURES
from emorec.study.config import (
    ENGINES,
    ENSEMBLE,
    FILES,
    GENERATED,
    OF_ENSEMBLES,
    Grid,
    Options,
    Protocol,
    Study,
    StudyError,
    check_options,
    check_relation_names,
)
from emorec.study.measures import TAKEN

# Columns of results.csv, to which axes are added; those of continuous targets begin with TAKEN.
AXIS_NAMES_TAKEN = (
    *("grid", "protocol", "fold", "seed", "scores", "case", "rate", "cell", "seconds", "code"),
    *(each.name for each in MEASURES),
    *("data", "label_note", "split", "normalised_within", "speakers_shared"),
    *("selected_on_test", "train_clips", "val_clips", "test_clips", "tested_clips"),
    "labelled_training_clips",
)


def read_study(path: Path) -> Study:
    """Read the file of a study.

    Raises:
        StudyError: It is missing or not as expected; the message says where.
    """
    if not path.is_file():
        raise StudyError(f"study {path} not found; configs/study has examples")
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
        options=_options(path, tree.get("options")),
        pretrain_options=_options(path, tree.get("pretrain_options")),
        protocols={name: _protocol(path, name, value) for name, value in tree["protocols"].items()},
        grids={name: _grid(path, name, value) for name, value in tree["grids"].items()},
        published=tuple(tree.get("published") or ()),
        relations=tuple(tree.get("relations") or ()),
        engine=str(tree.get("engine", "fit")),
    )
    if study.engine not in ENGINES or (study.pretrain and study.engine != "fit"):
        raise StudyError(
            f"{path}: engine is {study.engine!r}; expected {' or '.join(ENGINES)}, and fit with "
            "pretrain, as only fit keeps weights"
        )
    if list(study.pretrain) != list(study.stages)[: len(study.pretrain)]:
        raise StudyError(f"{path}: pretrain must name the first of the stages, in their order")
    for name, grid in study.grids.items():
        other = sorted(set(grid.protocols) - set(study.protocols))
        if other:
            raise StudyError(
                f"{path}, {name}: unknown protocol {other[0]!r}; known are "
                f"{', '.join(study.protocols)}"
            )
    choices = [o for g in study.grids.values() for axis in g.axes.values() for o in axis.values()]
    needs_fit = sorted({key for o in choices for key in (ENSEMBLE, GENERATED) if key in o})
    if study.engine != "fit" and needs_fit:
        raise StudyError(f"{path}: {needs_fit[0]} needs engine: fit, as only fit keeps weights")
    if study.pretrain and GENERATED in needs_fit:
        raise StudyError(
            f"{path}: generated does not go with pretrain, which would not see the segments: train "
            "all stages in each cell"
        )
    for options in (each for each in choices if ENSEMBLE in each):
        other = sorted(set(options) - {ENSEMBLE, *OF_ENSEMBLES})
        members = options[ENSEMBLE]
        if other or not isinstance(members, list) or len(members) < 2:
            raise StudyError(
                f"{path}: an ensemble is a list of two or more choices, with the options "
                f"{', '.join(OF_ENSEMBLES)}; got {dict(options)}"
            )
    check_options(study, str(path))
    check_relation_names(study, str(path))
    return study


def _protocol(path: Path, name: str, value: Any) -> Protocol:
    fields = _checked(path, name, value, Protocol)
    return Protocol(**{**fields, "options": _options(path, fields.get("options"))})


def _grid(path: Path, name: str, value: Any) -> Grid:
    grid = _checked(path, name, value, Grid)
    axes = {
        str(axis): {str(choice): _options(path, options) for choice, options in choices.items()}
        for axis, choices in grid.get("axes", {}).items()
    }
    taken = [axis for axis in axes if axis in AXIS_NAMES_TAKEN or axis.startswith(TAKEN)]
    if taken or not axes or not all(axes.values()):
        raise StudyError(
            f"{path}, {name}: expected axes, each with choices, and none called "
            f"{', '.join(AXIS_NAMES_TAKEN)}, nor beginning with {', '.join(TAKEN)}"
        )
    unknown = sorted(set(grid.get("pretrain_axes") or ()) - set(axes))
    if unknown:
        raise StudyError(f"{path}, {name}: pretrain_axes has {unknown[0]!r}, which is no axis")
    return Grid(
        axes=axes,
        options=_options(path, grid.get("options")),
        pretrain_axes=tuple(grid.get("pretrain_axes") or ()),
        seeds=grid.get("seeds"),
        protocols=tuple(grid.get("protocols") or ()),
        skip=tuple(grid.get("skip") or ()),
        robustness=bool(grid.get("robustness")),
        lines=tuple(grid.get("lines") or ()),
    )


def _options(path: Path, options: Any) -> Options:
    """Return options, with config files resolved relative to the study's folder."""
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
