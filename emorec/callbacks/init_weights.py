"""Starting from the weights of another run."""

from pathlib import Path

import torch
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn

from emorec.data.splits.file import read_split
from emorec.data.splits.leaks import LeakError
from emorec.errors import UserError
from emorec.model import group_of
from emorec.model.kept import PREFIX
from emorec.tasks import EmotionTask
from emorec.types import EmotionData


class StartError(UserError):
    """A checkpoint to start from is missing or has none of the model's weights."""


def start_from(path: Path, task: EmotionTask) -> None:
    """Load the weights of a checkpoint into a task, where names and shapes match.

    What the checkpoint lacks (another fusion, a head for other classes) keeps its weights; a
    warning names it. Use it to fine-tune a model on another corpus or label set; inputs are then
    standardised as in the other run.

    Args:
        path: A checkpoint of ``emorec fit``.
        task: The task.

    Raises:
        StartError: The file is missing, unreadable, or has none of the model's weights.
    """
    own = task.model.state_dict()
    # The decision was fitted on the other run's validation clips.
    saved = {n: x for n, x in weights_of(path).items() if not n.startswith("decision.")}
    matching = {k: v for k, v in saved.items() if k in own and v.shape == own[k].shape}
    parameters = {name for name, _ in task.model.named_parameters()}
    if not parameters & matching.keys():
        groups = ", ".join(sorted({group_of(k) for k in saved}))
        raise StartError(f"{path} has no weights of this model; it has {groups or 'none'}")
    task.model.load_state_dict({**own, **matching})
    fresh = sorted({group_of(name) for name in parameters - matching.keys()})
    rank_zero_info(f"started from {len(parameters & matching.keys())} weights of {path}")
    if fresh:
        rank_zero_warn(
            f"{path} does not have (all of) {', '.join(fresh)}, which keep their initial weights"
        )


def existing(path: Path, option: str = "training.start") -> Path:
    """Return the path if it is a file.

    Args:
        path: Of a checkpoint.
        option: That names it, for the message.

    Raises:
        StartError: It is not a file.
    """
    if not path.is_file():
        raise StartError(
            f"{option}: checkpoint {path} not found; expected a file such as "
            "runs/NAME/checkpoints/best.ckpt"
        )
    return path


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a checkpoint's model, by their names in the model.

    Raises:
        StartError: The file is missing or unreadable.
    """
    state = _read(path).items()
    return {n.removeprefix(PREFIX): value for n, value in state if n.startswith(PREFIX)}


def check_split(path: Path, data: EmotionData | None, option: str = "training.start") -> None:
    """Check that a checkpoint was not trained on this run's test or validation clips.

    Args:
        path: The checkpoint; its run's split is read from the parent folder.
        data: The data module, set up; None, or a run without a split, is not checked.
        option: That names the checkpoint, for the message.

    Raises:
        LeakError: It was.
    """
    if data is None:
        return
    previous = read_split(path.parent.parent / "split.csv")
    seen = sorted(
        clip
        for clip, part in data.part_of_clip.items()
        if part != "train" and previous.get(clip) == "train"
    )
    if seen:
        raise LeakError(
            f"{option}: {path} was trained on {len(seen)} clip(s) of this run's test or "
            f"validation part, for instance {seen[0]!r}; start from a run with the same clips, "
            "split, seed and fold"
        )


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        saved = torch.load(existing(path), map_location="cpu", weights_only=True)
        return dict(saved["state_dict"])
    except (StartError, OSError):
        raise
    except Exception as error:  # torch.load raises anything for a file that is no checkpoint
        raise StartError(
            f"training.start: {path} is not a checkpoint of emorec fit: {error}"
        ) from error
