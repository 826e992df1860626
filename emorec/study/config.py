"""The definition of a study: protocols, grids, options."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emorec.errors import UserError

Options = Mapping[str, Any]
"""Option of ``emorec fit`` -> value; ``stages.NAME.KEY`` is an option of a stage."""
FILES = ("trainer", "model", "data")
BASELINE = "baseline"  # option of a choice: a method of emorec baseline, instead of a model
OF_BASELINES = ("data", "seed_everything", "settings", "refit")  # options that it takes
ENSEMBLE = "ensemble"  # option of a choice: earlier choices of its axis, put together
GENERATED = "generated"  # option of a choice: an earlier one, which generates training segments
OF_ENSEMBLES = ("statistic", "power", "gate", "shrink", "only")  # options that it takes


class StudyError(UserError):
    """The file of a study, or what it refers to, is not as expected."""


@dataclass(frozen=True)
class Protocol:
    """How clips are split, and how often a cell is run.

    Attributes:
        options: The options that set the split.
        folds: Number of folds to run; None: the split has no folds.
        seeds: Number of runs (per fold). Without folds, each seed changes the split and the
            weights; with folds, only the weights, as the folds stay the same.
    """

    options: Options
    folds: int | None = None
    seeds: int = 1


@dataclass(frozen=True)
class Grid:
    """All combinations of some choices, with their table and figures.

    Attributes:
        axes: Axis -> name of a choice -> options.
        options: Options of all cells in the grid.
        pretrain_axes: Axes whose choice changes the pre-training.
        seeds: Number of runs; None: that of the protocol.
        protocols: Names of protocols of the study; empty: all.
        skip: Combinations to skip: axis -> choice or list of choices; a combination is skipped if
            all axes match.
        robustness: Whether to write a table and a figure on missing modalities.
        lines: Line plots: ``x`` (the axis whose choices are numbers), ``by`` (the axis that gives
            the lines), ``panel`` (the axis that gives the panels), ``log``.
    """

    axes: Mapping[str, Mapping[str, Options]]
    options: Options = field(default_factory=dict)
    pretrain_axes: tuple[str, ...] = ()
    seeds: int | None = None
    protocols: tuple[str, ...] = ()
    skip: tuple[Mapping[str, Any], ...] = ()
    robustness: bool = False
    lines: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Study:
    """A complete study.

    Attributes:
        name: Its name; the W&B group.
        files: ``trainer``, ``model`` and ``data`` -> config file.
        stages: Stages of training, as in an experiment.
        pretrain: Names of the first stages, which are trained once and shared by cells.
        options: Options of all cells.
        pretrain_options: Options of pre-training only.
        protocols: Name -> protocol.
        grids: Name -> grid.
        published: Published numbers: ``where`` (axis -> choice), ``accuracy`` (``ccc`` for a
            continuous target), ``source``.
        engine: ``fit``, or ``memory``: cells train without a trainer, on inputs in memory, and keep
            neither weights nor pictures: many times as fast for small networks on frozen features.
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
    pretrain_options: Options = field(default_factory=dict)
    published: tuple[Mapping[str, Any], ...] = ()
    relations: tuple[Mapping[str, Any], ...] = ()
    engine: str = "fit"


ENGINES = ("fit", "memory")
SIDES = ("greater", "less")
FREE = ("scores", "case", "rate")  # columns besides axes that relations may name


def changes_pretraining(study: Study, key: str) -> bool:
    """Return whether an option affects pre-training: data, encoders, its own stages.

    ``data.labelled_only`` does not count (the paper pre-trains on labelled clips only), nor does
    ``data.augment``, which leaves the clips and the split unchanged.
    """
    if key in ("data.labelled_only", "data.augment"):
        return False
    if key.startswith("stages."):
        return key.split(".")[1] in study.pretrain
    return key in FILES or key.startswith(("data.", "model.encoders"))


def check_options(study: Study, where: str) -> None:
    """Check that each option takes effect.

    Args:
        study: The study.
        where: The file of the study, for error messages.

    Raises:
        StudyError: An option belongs to no stage, is also set by the protocol, or affects the
            pre-training that several choices share.
    """
    _check_stages(study, where)
    for name, protocol in study.protocols.items():
        taken = {
            *protocol.options,
            "seed_everything",
            "data.fold" if protocol.folds else "data.seed",
        }
        for options in (study.options, *(part for g in study.grids.values() for part in _parts(g))):
            both = sorted(taken & set(options))
            if both:
                raise StudyError(
                    f"{where}: {both[0]} is also set by protocol {name} (by its options, folds or "
                    "seeds), which would win; set it in one place"
                )
    for name, grid in study.grids.items():
        apart = [axis for axis in grid.axes if study.pretrain and axis not in grid.pretrain_axes]
        for axis in apart:
            for key in (key for options in grid.axes[axis].values() for key in options):
                if changes_pretraining(study, key):
                    raise StudyError(
                        f"{where}, {name}: axis {axis} sets {key}, which affects pre-training "
                        f"(it could train on test clips): add {axis} to pretrain_axes"
                    )


def check_relation_names(study: Study, where: str) -> None:
    """Check that relations name existing axes and choices; they are compared days later.

    Args:
        study: The study.
        where: The file of the study, for error messages.

    Raises:
        StudyError: A relation lacks a part, or names an axis or a choice that no grid has.
    """
    named: dict[str, set[object]] = {"grid": set(study.grids), "protocol": set(study.protocols)}
    for grid in study.grids.values():
        for axis, choices in grid.axes.items():
            named.setdefault(axis, set()).update(choices)
    for relation in study.relations:
        if set(relation) != {"say", "greater", "less"}:
            raise StudyError(
                f"{where}: a relation needs say, greater and less; got {dict(relation)}"
            )
        for axis, choice in (pair for side in SIDES for pair in relation[side].items()):
            if axis in FREE:
                continue
            if axis not in named:
                raise StudyError(
                    f"{where}: relation {relation['say']!r} names {axis!r}, which is no axis"
                )
            if choice not in named[axis]:
                raise StudyError(
                    f"{where}: relation {relation['say']!r} names {axis} {choice!r}; expected "
                    f"{', '.join(map(repr, sorted(map(str, named[axis]))))}"
                )


def _parts(grid: Grid) -> list[Options]:
    choices = [options for axis in grid.axes.values() for options in axis.values()]
    return [grid.options, *choices]


def _check_stages(study: Study, where: str) -> None:
    parts = [study.options, *(protocol.options for protocol in study.protocols.values())]
    parts += [part for grid in study.grids.values() for part in _parts(grid)]
    for key in (key for options in parts for key in options if key.startswith("stages.")):
        _, _, rest = key.partition(".")
        if rest.partition(".")[0] not in study.stages or "." not in rest:
            raise StudyError(
                f"{where}: {key} is no option of a stage (stages: {', '.join(study.stages)}); "
                "expected an option such as stages.joint.epochs"
            )
