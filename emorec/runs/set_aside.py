"""An earlier run, kept until the one that replaces it has got somewhere."""

import shutil
from collections.abc import Iterator
from pathlib import Path

ASIDE = ".replaced"
MOVING = ".replaced.part"  # on the way there or back: a new run has not begun
FOLDERS = ("checkpoints", "logs", "wandb", "predictions")
FILES = ("config.yaml", "*.json", "summary.txt", "split.csv", "predictions*.csv")
PICTURES = ("confusion_matrix*.png", "training_*.png", "missing_modality.png", "reliability.png")


def set_aside(run: Path) -> None:
    """Move what a run wrote, and nothing else, into a hidden folder of the run directory."""
    moving = run / MOVING
    moving.mkdir(exist_ok=True)
    for path in list(_written(run)):
        path.rename(moving / path.name)
    moving.rename(run / ASIDE)


def settle(run: Path, *, replaced: bool) -> None:
    """Delete what was set aside, or bring it back; whenever this is killed, it can be done again.

    Args:
        run: The run directory.
        replaced: Whether there is a new run that has trained an epoch; else its leftovers go.
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
