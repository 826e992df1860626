"""The directory of a run: its files show whether to start, to resume, or that all is done."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from emorec.errors import UserError
from emorec.runs.results import Results, is_finished
from emorec.system.files import write_text

# Options that do not change what a run computes: a run may be resumed with other values.
FREE = (
    "run",
    "overwrite",
    "test",
    "config",
    "ckpt_path",
    "weights_only",
    "dashboard",
    "missing",
    "trainer.logger",
    "trainer.default_root_dir",
    "trainer.enable_progress_bar",
    "trainer.enable_model_summary",
    "trainer.log_every_n_steps",
    "data.init_args.workers",
    "data.init_args.cache",
)


NEW = {".lock", "logs", "checkpoints"}  # what may be in the folder of a new run
BEFORE = "before_last.ckpt"  # last.ckpt of the epoch before


class RunError(UserError):
    """The run directory cannot be used as requested."""


class RunBusyError(RunError):
    """Another process is using the run directory."""


class RunDirectory:
    """The files of one run, under one folder.

    ``config.yaml`` (all options), ``origin.json`` (the folder it was started in),
    ``checkpoints/last.ckpt`` (after each epoch; ``before_last.ckpt`` is the one before it),
    ``checkpoints/STAGE.ckpt`` and ``best.ckpt``, ``logs/``, ``split.csv`` (the part of each clip)
    and, once finished, ``metrics.json``, ``summary.txt``, ``predictions*.csv`` and figures.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_file = path / "config.yaml"
        self.origin_file = path / "origin.json"
        self.metrics_file = path / "metrics.json"
        self.timing_file = path / "timing.json"
        self.summary_file = path / "summary.txt"
        self.split_file = path / "split.csv"
        self.checkpoints = path / "checkpoints"
        self.last = self.checkpoints / "last.ckpt"
        self.before = self.checkpoints / BEFORE
        self.best = self.checkpoints / "best.ckpt"
        self._lock = FileLock(path / ".lock")

    @property
    def finished(self) -> bool:
        """Whether training and testing are done, by ``metrics.json``, which is written last."""
        return is_finished(self.metrics_file)

    def results(self) -> Results | None:
        """Return the results of a finished run, None for any other."""
        return Results.read(self.metrics_file) if self.finished else None

    def lock(self) -> None:
        """Lock the directory for this process; the lock of a killed process is free.

        Raises:
            RunBusyError: Another process is using it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(blocking=False)
        except Timeout as error:
            raise RunBusyError(
                f"another process is using {self.path}; wait for it or name another folder with "
                "--run"
            ) from error

    def release(self) -> None:
        """Unlock the directory; a no-op in processes that did not lock it."""
        if self._lock.is_locked:
            restore_or_discard(self.path, replaced=self.last.is_file())
        self._lock.release()

    def open(self, config: Mapping[str, Any], *, overwrite: bool) -> None:
        """Lock the directory and write its config, or check an existing config.

        Args:
            config: All options of the run.
            overwrite: Start over; the files of an earlier run are deleted once the new one has
                trained an epoch, and restored if it does not get that far.

        Raises:
            RunError: Another process is using it, it belongs to another config, or the folder
                holds something other than a run.
        """
        foreign = (
            self.path.is_dir()
            and not self.config_file.is_file()
            and any(
                child.name not in (".lock", "logs", "checkpoints", ASIDE, MOVING)
                for child in self.path.iterdir()
            )
        )
        if foreign:
            raise RunError(
                f"{self.path} is not empty and is no run directory (it has no config.yaml); "
                "name another folder with --run"
            )
        self.lock()
        if not self.last.is_file() and self.before.is_file():
            self.before.replace(self.last)  # the user deleted a damaged one
        restore_or_discard(self.path, replaced=self.last.is_file())
        if overwrite:
            set_aside(self.path)
        for leftover in self.checkpoints.glob(".*"):  # from a killed process: we hold the lock
            leftover.unlink()
        if self.last.is_file():
            self._check(config)
        else:  # nothing is trained yet: the config may change
            self.split_file.unlink(missing_ok=True)  # belongs to the previous config
            write_text(self.config_file, yaml.safe_dump(dict(config), sort_keys=False))
            write_text(self.origin_file, json.dumps({"folder": str(Path.cwd())}) + "\n")

    def open_again(self, config: Mapping[str, Any]) -> None:
        """Lock the directory of a run that is to be evaluated, and check the config.

        Args:
            config: All options of the command.

        Raises:
            RunError: Another process is using it, or the run has another seed, model, data or
                stages.
        """
        self.lock()
        if self.config_file.is_file():
            self._check(config, ("seed_everything", "model", "data", "training"))

    def check_kind(self, kind: str) -> None:
        """Check that the folder is new, or that of a baseline or an ensemble.

        Args:
            kind: ``baseline`` or ``ensemble``; their configs name it under ``model``.

        Raises:
            RunError: It holds something else, such as a run of fit.
        """
        found = None
        if self.config_file.is_file():
            found = yaml.safe_load(self.config_file.read_text("utf-8")).get("model") or {}
        elif self.path.is_dir() and {p.name for p in self.path.iterdir()} - NEW:
            found = {}
        if found is not None and kind not in found:
            what = {"baseline": "a baseline", "ensemble": "an ensemble"}[kind]
            raise RunError(f"{self.path} is not {what}'s folder; name another one with --run")

    def origin(self) -> Path | None:
        """Return the folder the run was started in, to which paths in its config are relative."""
        if not self.origin_file.is_file():
            return None
        return Path(json.loads(self.origin_file.read_text(encoding="utf-8"))["folder"])

    def _check(self, config: Mapping[str, Any], keys: Sequence[str] = ()) -> None:
        kept = dict(flatten(yaml.safe_load(self.config_file.read_text(encoding="utf-8"))))
        now = dict(flatten(config))
        differ = [
            f"  {key}: {kept.get(key)!r} in the run, {now.get(key)!r} now"
            for key in sorted(kept.keys() | now.keys())
            if kept.get(key) != now.get(key)
            and (not keys or key.split(".")[0] in keys)
            and not any(key == free or key.startswith(f"{free}.") for free in FREE)
        ]
        if differ:
            self.release()
            raise RunError(
                f"{self.path} is a run with another config:\n"
                + "\n".join(differ[:20])
                + (f"\n  ... and {len(differ) - 20} more" if len(differ) > 20 else "")
                + "\nname another folder with --run, use the old options to resume, or start over "
                "with --overwrite"
            )

    def write_timing(self, seconds: float) -> None:
        """Write ``timing.json``: how long training took since it was last resumed.

        Not in ``metrics.json``, which is identical for identical configs.
        """
        write_text(self.timing_file, json.dumps({"training_seconds": round(seconds, 1)}) + "\n")

    def training_seconds(self) -> float | None:
        """Return what :meth:`write_timing` wrote, None if it was not called."""
        if not self.timing_file.is_file():
            return None
        return float(json.loads(self.timing_file.read_text(encoding="utf-8"))["training_seconds"])


def flatten(tree: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted key, value) for nested dicts; lists are values."""
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from flatten(value, f"{prefix}{key}.")
    else:
        yield prefix.removesuffix("."), tree


ASIDE = ".replaced"
MOVING = ".replaced.part"  # while moving either way: the new run has not begun
FOLDERS = ("checkpoints", "logs", "wandb", "predictions", "samples", "generated")
FILES = ("config.yaml", "*.json", "summary.txt", "split.csv", "predictions*.csv")
PICTURES = ("confusion_matrix*.png", "training_*.png", "missing_modality.png", "reliability.png")


def set_aside(run: Path) -> None:
    """Move the files of a run, and nothing else, into a hidden folder of the run directory."""
    moving = run / MOVING
    moving.mkdir(exist_ok=True)
    for path in list(_written(run)):
        path.rename(moving / path.name)
    moving.rename(run / ASIDE)


def restore_or_discard(run: Path, *, replaced: bool) -> None:
    """Delete the files that were set aside, or restore them; can be repeated after a kill.

    Args:
        run: The run directory.
        replaced: Whether a new run has trained an epoch; if not, its leftovers are deleted.
    """
    if (run / ASIDE).is_dir():
        if replaced:
            shutil.rmtree(run / ASIDE)
            return
        for path in list(_written(run)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        (run / ASIDE).rename(run / MOVING)
    if (run / MOVING).is_dir():
        for path in list((run / MOVING).iterdir()):
            path.rename(run / path.name)
        (run / MOVING).rmdir()


def _written(run: Path) -> Iterator[Path]:
    yield from (run / name for name in FOLDERS if (run / name).is_dir())
    for pattern in (*FILES, *PICTURES, "traces*.png"):
        yield from run.glob(pattern)
