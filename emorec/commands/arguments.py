"""What the arguments of fit, validate and test mean for the run directory."""

import os
import sys
from pathlib import Path
from typing import Any

from emorec.runs.directory import RunError


def is_first_process() -> bool:
    """Return whether this is the process that writes, of all that train together."""
    # Launchers of several processes set one of these; Lightning's own starts all but the first.
    names = ("RANK", "SLURM_PROCID", "LOCAL_RANK")
    return next((os.environ[name] for name in names if name in os.environ), "0") == "0"


def default_run(configs: Any) -> Path:
    """Return where a run goes that names no directory: runs/ and the name of the experiment."""
    paths = [str(path) for path in configs or []]
    if not paths:
        raise RunError("name an experiment with --config FILE, or a run directory with --run DIR")
    folder = Path("runs") / Path(paths[0]).stem
    # In a sweep, W&B's agent names each run.
    return folder / os.environ["WANDB_RUN_ID"] if "WANDB_SWEEP_ID" in os.environ else folder


def with_config_of_run(arguments: list[str]) -> list[str]:
    """Let ``test --run DIR`` read the config that the run directory holds."""
    arguments = [part for a in arguments for part in _split_run(a)]
    named = any(a.split("=")[0] in ("-c", "--config") for a in arguments)
    wants_help = {"-h", "--help"} & set(arguments)
    if named or wants_help or "--run" not in arguments[:-1]:
        return arguments
    run = Path(arguments[arguments.index("--run") + 1])
    config = run / "config.yaml"
    if not config.is_file():
        raise RunError(
            f"{run} is not a run directory: it has no config.yaml; train with emorec fit"
        )
    return [arguments[0], "--config", str(config), *arguments[1:]]


def _split_run(argument: str) -> list[str]:
    return argument.split("=", 1) if argument.startswith("--run=") else [argument]


def found_from(folder: Path | None, config: Any) -> None:
    """Complete relative paths of a run's config that only its own folder leads to, in place.

    Args:
        folder: Where the run was started; None where that is not known.
        config: The namespace of the command's options.
    """
    if folder is None:
        return
    for key, value in vars(config).items():
        if hasattr(value, "__dict__") and not isinstance(value, Path):
            found_from(folder, value)
        elif isinstance(value, Path) and (folder / value).exists() and not _is_given(value):
            setattr(config, key, folder / value)


def _is_given(path: Path) -> bool:
    """Return whether a path stands on the command line: then it is of the current folder."""
    return any(word.partition("=")[2] == str(path) or word == str(path) for word in sys.argv)
