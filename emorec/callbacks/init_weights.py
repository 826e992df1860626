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
    """A checkpoint to start from is missing or has nothing that the model has."""


def start_from(path: Path, task: EmotionTask) -> None:
    """Give a task the weights of a checkpoint, where names and shapes are the same.

    What the checkpoint has not (another fusion, a head for other classes) keeps its weights; a
    warning names it. That is how a model is fine-tuned on another corpus or label set; inputs are
    then standardised as in the other run.

    Args:
        path: A checkpoint of ``emorec fit``.
        task: The assembled model.

    Raises:
        StartError: The file is missing, unreadable, or has nothing that the model has.
    """
    own = task.model.state_dict()
    saved = {
        name.removeprefix(PREFIX): value
        for name, value in _read(path).items()
        # Its calibration is of the other run's validation clips.
        if name.startswith(PREFIX) and not name.startswith(f"{PREFIX}decision.")
    }
    found = {k: v for k, v in saved.items() if k in own and v.shape == own[k].shape}
    learned = {name for name, _ in task.model.named_parameters()}
    if not learned & found.keys():
        raise StartError(
            f"{path} has no weights of this model; its own start with "
            f"{', '.join(sorted({group_of(k) for k in saved})) or 'nothing'}"
        )
    task.model.load_state_dict({**own, **found})
    fresh = sorted({group_of(name) for name in learned - found.keys()})
    rank_zero_info(f"started from {len(learned & found.keys())} weights of {path}")
    if fresh:
        rank_zero_warn(f"{path} does not have (all of) {', '.join(fresh)}: fresh weights there")


def existing(path: Path) -> Path:
    """Return the path if it is a file.

    Raises:
        StartError: It is not.
    """
    if not path.is_file():
        raise StartError(
            f"training.start: checkpoint {path} not found; expected a file such as "
            "runs/NAME/checkpoints/best.ckpt"
        )
    return path


def check_split(path: Path, data: EmotionData | None) -> None:
    """Check that a checkpoint was not trained on clips that are tested or validated here.

    Args:
        path: The checkpoint; the split of its run is beside its folder.
        data: The data module, set up; None, or a run without a split, is not checked.

    Raises:
        LeakError: It was.
    """
    if data is None:
        return
    before = read_split(path.parent.parent / "split.csv")
    seen = sorted(
        clip
        for clip, part in data.part_of_clip.items()
        if part != "train" and before.get(clip) == "train"
    )
    if seen:
        raise LeakError(
            f"training.start: {path} was trained on {len(seen)} clip(s) that are tested or "
            f"validated here, for instance {seen[0]!r}; start from a run with the same split, seed "
            "and fold, made from the same clips"
        )


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        saved = torch.load(existing(path), map_location="cpu", weights_only=True)
        return dict(saved["state_dict"])
    except (StartError, OSError):
        raise
    except Exception as error:  # whatever torch meets in a file that is no checkpoint
        raise StartError(
            f"training.start: {path} is not a checkpoint of emorec fit: {error}"
        ) from error
