"""Checkpoint files: written whole or not at all."""

import shutil
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from typing_extensions import override

from emorec.runs.directory import BEFORE
from emorec.system.files import whole
from emorec.tasks import EmotionTask


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes to a temporary file beside the target, then renames it.

    Lightning moves the file from the system's temporary folder; on another file system that is a
    copy, which a kill can truncate.
    """

    @override
    def save_checkpoint(self, checkpoint: Any, path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint file.

        Raises:
            OSError: It cannot be written; an existing file is left unchanged.
        """
        target = Path(path)
        with whole(target) as temporary:
            super().save_checkpoint(checkpoint, temporary, storage_options)
            if target.name == "last.ckpt" and target.is_file():
                keep_before(target)


def keep_before(last: Path) -> None:
    """Keep a copy of a checkpoint that is about to be replaced: disks can truncate files, too."""
    with whole(last.with_name(BEFORE)) as link:
        try:
            link.hardlink_to(last)
        except OSError:  # some file systems have no hard links
            shutil.copyfile(last, link)


def is_whole(path: Path) -> bool:
    """Return whether a checkpoint file is complete and undamaged."""
    try:
        with zipfile.ZipFile(path) as file:
            if file.testzip() is not None:
                return False
        torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception:  # zipfile and torch raise anything on a damaged file
        return False
    return True


def save_weights(path: Path, task: EmotionTask) -> None:
    """Replace the weights in a checkpoint by those of a task; a kill leaves the old file whole."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    saved["state_dict"] = {name: value.cpu() for name, value in task.state_dict().items()}
    AtomicCheckpointIO().save_checkpoint(saved, path)
