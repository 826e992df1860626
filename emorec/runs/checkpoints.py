"""Checkpoint files: written whole or not at all."""

import shutil
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from emorec.runs.directory import BEFORE
from emorec.system.files import whole
from emorec.tasks import EmotionTask


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the target and renames.

    Lightning moves from the system's temporary folder, which on another file system is a copy
    that a kill can cut short.
    """

    def save_checkpoint(self, checkpoint: Any, path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint file.

        Raises:
            OSError: It cannot be written; the file that was there is as it was.
        """
        target = Path(path)
        with whole(target) as temporary:
            super().save_checkpoint(checkpoint, temporary, storage_options)
            if target.name == "last.ckpt" and target.is_file():
                keep_before(target)


def keep_before(last: Path) -> None:
    """Keep a checkpoint beside itself, before it is replaced: disks cut files, too."""
    with whole(last.with_name(BEFORE)) as link:
        try:
            link.hardlink_to(last)
        except OSError:  # some file systems have no links
            shutil.copyfile(last, link)


def is_whole(path: Path) -> bool:
    """Return whether a checkpoint file is there from its first to its last byte."""
    try:
        with zipfile.ZipFile(path) as file:
            if file.testzip() is not None:
                return False
        torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception:  # whatever the two meet in a damaged file: it is not whole
        return False
    return True


def save_weights(path: Path, task: EmotionTask) -> None:
    """Give a checkpoint the weights of a task; the file is the old or the new one, whole."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    saved["state_dict"] = {name: value.cpu() for name, value in task.state_dict().items()}
    AtomicCheckpointIO().save_checkpoint(saved, path)
