"""What a study consists of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emorec.errors import UserError

Options = Mapping[str, Any]
"""Option of ``emorec fit`` -> value; ``stages.NAME.KEY`` is an option of a stage."""
FILES = ("trainer", "model", "data")


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
        robustness: Whether there is a table and a picture of missing modalities.
        lines: Pictures: ``x`` (the axis whose choices are numbers), ``by`` (the axis that gives
            the lines), ``panel`` (the one that gives the panels), ``log``.
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
    """A study, whole.

    Attributes:
        name: Its name; the W&B group.
        files: ``trainer``, ``model`` and ``data``: files of configs.
        stages: Stages of training, as in an experiment.
        pretrain: Names of the first stages that are trained once and shared by cells.
        options: Of all cells.
        pretrain_options: Of the pre-training only.
        protocols: Name -> protocol.
        grids: Name -> grid.
        published: Numbers of a publication: ``where`` (axis -> choice), ``accuracy`` (``ccc`` where
            the target is continuous), ``source``.
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
