"""A run is a directory: what is in it says whether to start, to go on, or that all is done."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from emorec.errors import UserError

# Options that do not change what a run computes; a run may be resumed with other values.
FREE = (
    "run",
    "overwrite",
    "config",
    "ckpt_path",
    "weights_only",
    "trainer.logger",
    "trainer.default_root_dir",
    "trainer.enable_progress_bar",
    "trainer.enable_model_summary",
    "trainer.log_every_n_steps",
    "data.init_args.workers",
)


class RunError(UserError):
    """The run directory cannot be used as asked."""


class RunDirectory:
    """The files of one run, under one folder.

    ``config.yaml`` (all options), ``checkpoints/last.ckpt`` (after each epoch),
    ``checkpoints/STAGE.ckpt`` and ``best.ckpt``, ``logs/``, and, when it is finished,
    ``metrics.json``, ``predictions*.csv`` and pictures.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_file = path / "config.yaml"
        self.metrics_file = path / "metrics.json"
        self.checkpoints = path / "checkpoints"
        self.last = self.checkpoints / "last.ckpt"
        self.best = self.checkpoints / "best.ckpt"
        self._lock = FileLock(path / ".lock")

    @property
    def finished(self) -> bool:
        """Whether training and testing are done; metrics.json is written last and says so."""
        if not self.metrics_file.is_file():
            return False
        return bool(json.loads(self.metrics_file.read_text(encoding="utf-8")).get("finished"))

    def lock(self) -> None:
        """Take the directory for this process; the lock of a killed process is free.

        Raises:
            RunError: Another process is using it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(blocking=False)
        except Timeout as error:
            raise RunError(
                f"another process is using {self.path}; wait for it or name another folder with "
                "--run"
            ) from error

    def release(self) -> None:
        """Let other processes use the directory."""
        self._lock.release()

    def open(self, config: Mapping[str, Any], *, overwrite: bool) -> None:
        """Lock the directory and write its config, or check the one it has.

        Args:
            config: All options of the run.
            overwrite: Delete what an earlier run left.

        Raises:
            RunError: Another process is using it, it belongs to another config, or the folder
                holds something that is no run.
        """
        foreign = (
            self.path.is_dir()
            and not self.config_file.is_file()
            and any(
                child.name not in (".lock", "logs", "checkpoints") for child in self.path.iterdir()
            )
        )
        if foreign:
            raise RunError(
                f"{self.path} is not empty and is no run directory (it has no config.yaml); "
                "name another folder with --run"
            )
        self.lock()
        if overwrite:
            for child in self.path.iterdir():
                if child.is_dir():
                    shutil.rmtree(child)
                elif child.name != ".lock":
                    child.unlink()
        if self.config_file.is_file():
            self._check(config)
        else:
            write_text(self.config_file, yaml.safe_dump(dict(config), sort_keys=False))

    def _check(self, config: Mapping[str, Any]) -> None:
        kept = dict(flatten(yaml.safe_load(self.config_file.read_text(encoding="utf-8"))))
        now = dict(flatten(config))
        differ = [
            f"  {key}: {kept.get(key)!r} in the run, {now.get(key)!r} now"
            for key in sorted(kept.keys() | now.keys())
            if kept.get(key) != now.get(key)
            and not any(key == free or key.startswith(f"{free}.") for free in FREE)
        ]
        if differ:
            raise RunError(
                f"{self.path} is a run with another config:\n"
                + "\n".join(differ[:20])
                + (f"\n  ... and {len(differ) - 20} more" if len(differ) > 20 else "")
                + "\nname another folder with --run, use the old options to resume, or start anew "
                "with --overwrite"
            )

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Write metrics.json, whose ``finished`` says whether training went to its end."""
        write_text(self.metrics_file, json.dumps(metrics, indent=2) + "\n")


def flatten(tree: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted key, value) of nested dicts; lists are values."""
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from flatten(value, f"{prefix}{key}.")
    else:
        yield prefix.removesuffix("."), tree


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file whole or not at all."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, temporary)
    temporary.replace(target)
