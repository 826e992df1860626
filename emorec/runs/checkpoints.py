"""Checkpoint files: written whole or not at all, and read back with the classes they name."""

import os
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from emorec.data import EmotionDataModule
from emorec.errors import UserError
from emorec.plugins import foreign, load_plugins
from emorec.runs.directory import BEFORE
from emorec.tasks import EmotionTask


class CheckpointError(UserError):
    """A checkpoint cannot be read; the message says why."""


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
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            super().save_checkpoint(checkpoint, temporary, storage_options)
            if target.name == "last.ckpt" and target.is_file():
                keep_before(target)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


def keep_before(last: Path) -> None:
    """Keep a checkpoint beside itself, before it is replaced: disks cut files, too."""
    link = last.with_name(f".{BEFORE}.{os.getpid()}")
    try:
        link.hardlink_to(last)
    except OSError:  # some file systems have no links
        shutil.copyfile(last, link)
    link.replace(last.with_name(BEFORE))


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


def load_checkpoint(path: Path, *, trust: bool = False) -> tuple[EmotionTask, EmotionDataModule]:
    """Rebuild the task with its weights, and its data module without its clips, on the CPU.

    The data module brings the windows, extractors and classes; its root need not exist. Tensors
    and plain values are all that is read from the file; the classes it names are called with its
    arguments.

    Args:
        path: A checkpoint of ``emorec fit``.
        trust: Also import and call what is of no installed plug-in and no class of ours.

    Raises:
        CheckpointError: It is missing, damaged, or not a checkpoint of emorec; or it names
            something foreign and is not trusted.
    """
    if not path.is_file():
        raise CheckpointError(
            f"checkpoint {path} not found; expected a file such as runs/NAME/checkpoints/best.ckpt"
        )
    load_plugins()
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever torch meets in a file that is no checkpoint
        raise CheckpointError(f"{path} is not a checkpoint that torch can read: {error}") from error
    needed = {"hyper_parameters", "datamodule_hyper_parameters", "emorec"}
    if not isinstance(saved, dict) or not needed <= saved.keys():
        raise CheckpointError(
            f"{path} is not a checkpoint of emorec fit; expected runs/NAME/checkpoints/best.ckpt"
        )
    strange = [saved["hyper_parameters"], saved["datamodule_hyper_parameters"]]
    refuse_foreign(strange, path, trust=trust)
    task_class = named_class(saved["hyper_parameters"], path)
    data_class = named_class(saved["datamodule_hyper_parameters"], path)
    options: dict[str, Any] = {"map_location": "cpu", "weights_only": True}
    task = task_class.load_from_checkpoint(path, **options)
    data = data_class.load_from_checkpoint(path, **options)
    return task.eval(), data


def refuse_foreign(options: Any, path: Path, *, trust: bool) -> None:
    """Refuse options that would import what is not known here.

    Args:
        options: As :func:`emorec.plugins.foreign` takes them.
        path: Where they come from, for the message.
        trust: Let them.

    Raises:
        CheckpointError: They would, and are not trusted.
    """
    names = foreign(options)
    if names and not trust:
        raise CheckpointError(
            f"{path} would import {', '.join(names)}, which is neither emorec's nor an installed "
            "plug-in's: what it names is run. Install the plug-in package that it comes from, or, "
            "if you trust whoever made the file, use --trust"
        )


def named_class(hyper_parameters: dict[str, Any], path: Path) -> Any:
    """Return the class of a saved task or data set.

    Args:
        hyper_parameters: Its options, with the class under ``_class_path``.
        path: Where they come from, for the message.

    Raises:
        CheckpointError: They name no class, or one that is not imported.
    """
    # Lightning drops the class that a checkpoint names where it is loaded through a base class
    # whose constructor takes no **kwargs; so it is looked up here.
    name = hyper_parameters.get("_class_path")
    if name is None:
        raise CheckpointError(f"{path} was not written by the command line: it names no classes")
    module, _, attribute = name.rpartition(".")
    found = getattr(sys.modules.get(module), attribute, None)
    if found is None:
        raise CheckpointError(
            f"{path} needs the class {name}, which no imported package has; install the plug-in "
            "package that it comes from, with its entry point in the group emorec.plugins"
        )
    return found
