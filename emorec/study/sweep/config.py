"""The definition of a sweep: the experiment to vary, and the search space of its options."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from emorec.study.config import StudyError

KEYS = {"config", "metric", "trials", "space", "options", "seed"}


@dataclass(frozen=True)
class Sweep:
    """The definition of a sweep.

    Attributes:
        name: Name of its file.
        config: The experiment to vary.
        space: Option of ``emorec fit`` -> ``choices``, or ``low`` and ``high`` (integers if both
            are) with ``log`` or ``step``.
        trials: Number of trials, including those stopped early.
        metric: Validation metric of the last stage to maximise; None: the metric it monitors.
        options: Options of all trials.
        seed: Seed of the sampler.
    """

    name: str
    config: Path
    space: Mapping[str, Mapping[str, Any]]
    trials: int = 20
    metric: str | None = None
    options: Mapping[str, Any] | None = None
    seed: int = 0


def read_sweep(path: Path) -> Sweep:
    """Read the file of a sweep; paths in it are relative to its folder.

    Raises:
        StudyError: It is missing, unreadable, or not as expected.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise StudyError(f"{path} cannot be read: {error}") from error
    if not isinstance(tree, dict) or not {"config", "space"} <= tree.keys() <= KEYS:
        found = ", ".join(map(str, tree)) if isinstance(tree, dict) else tree
        raise StudyError(
            f"{path} is not a sweep: expected config, space and, optionally, others of "
            f"{', '.join(sorted(KEYS))}; found {found}"
        )
    if not isinstance(tree["space"], dict):
        raise StudyError(
            f"{path}: space must map options to choices, or to low and high; got {tree['space']}"
        )
    for option, values in tree["space"].items():
        ranged = isinstance(values, dict) and {"low", "high"} <= values.keys()
        if not (ranged or (isinstance(values, dict) and values.get("choices"))):
            raise StudyError(
                f"{path}: {option} needs choices, or low and high (with log: true, or a step); "
                f"got {values}"
            )
    config = (path.parent / tree.pop("config")).resolve()
    if not config.is_file():
        raise StudyError(f"{path}: config {config} not found")
    return Sweep(path.stem, config, **tree)


def arguments_of(options: Mapping[str, Any]) -> list[str]:
    """Return options as arguments of ``emorec fit``."""
    return [
        f"--{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in options.items()
    ]


def best_command(sweep: Sweep, options: Mapping[str, Any]) -> Sequence[str]:
    """Return the command that trains and tests with the given options."""
    every = {**(sweep.options or {}), **options}
    return ["emorec", "fit", f"--config={sweep.config}", *arguments_of(every)]
