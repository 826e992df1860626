"""What a sweep consists of: the experiment that is varied, and the options to choose from."""

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
    """What is searched.

    Attributes:
        name: Of the file.
        config: The experiment that is varied.
        space: Option of ``emorec fit`` -> ``choices``, or ``low`` and ``high`` (whole numbers where
            both are) with ``log`` or ``step``.
        trials: How many, those that were stopped early included.
        metric: Validation metric of the last stage, to be maximised; None: what it monitors.
        options: Of all trials.
        seed: Of the sampler.
    """

    name: str
    config: Path
    space: Mapping[str, Mapping[str, Any]]
    trials: int = 20
    metric: str | None = None
    options: Mapping[str, Any] | None = None
    seed: int = 0


def read_sweep(path: Path) -> Sweep:
    """Read the file of a sweep; paths in it start from its folder.

    Raises:
        StudyError: It is missing, unreadable, or not as expected.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise StudyError(f"{path} cannot be read: {error}") from error
    if not isinstance(tree, dict) or not {"config", "space"} <= tree.keys() <= KEYS:
        raise StudyError(
            f"{path} is not a sweep: expected config and space, and of {', '.join(sorted(KEYS))} "
            f"what is needed; found {', '.join(map(str, tree)) if isinstance(tree, dict) else tree}"
        )
    if not isinstance(tree["space"], dict):
        raise StudyError(
            f"{path}: space is option -> choices, or low and high; got {tree['space']}"
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
    """Return the command that trains with some options, and tests."""
    every = {**(sweep.options or {}), **options}
    return ["emorec", "fit", f"--config={sweep.config}", *arguments_of(every)]
