"""Leaves out the values of a vector that tell the classes of training clips least."""

from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_info

from emorec.errors import UserError
from emorec.model.standardise import Standardise
from emorec.tasks import data_of, task_of
from emorec.types import Classes, DataPart

LEFT_OUT = 1e12  # deviation of a value that is left out: standardised, it is 0


class SelectValues(Callback):
    """Keeps the values of a modality's vectors with the highest ANOVA F on training clips.

    Once, when training begins: the others are 0 from then on, in training, test and prediction, as
    the checkpoint stores it with mean and deviation. Validation and test clips are not looked at.
    The 577 of openSMILE's 1582 functionals in the public code of Kim et al. 2017 are presumably
    such a selection; how they were chosen is not stated.

    Args:
        modality: Whose vectors.
        count: How many values are kept.
    """

    def __init__(self, modality: str = "audio", count: int = 577) -> None:
        if count < 1:
            raise UserError(f"count of SelectValues must be at least 1, got {count}")
        self.modality, self.count = modality, count
        self.done = False

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Select before the first step, unless the run resumes.

        Not earlier: the weights that a stage starts from bring their own deviations.

        Raises:
            UserError: The modality is not there or no vector, or the target has no classes.
        """
        if self.done:
            return
        self.done = True
        task, data = task_of(pl_module), data_of(trainer)
        module = dict(task.model.standardise.named_children()).get(self.modality)
        if trainer.ckpt_path is not None or data is None:
            return
        if not isinstance(module, Standardise) or not isinstance(task.model.target, Classes):
            raise UserError(
                f"SelectValues of {self.modality!r} needs that modality and a target with classes; "
                f"the model reads {', '.join(task.model.modalities)}"
            )
        f = anova(data.parts["train"], self.modality, task.model.target_name)
        if f.size <= self.count:
            rank_zero_info(f"{self.modality}: all {f.size} values are kept")
            return
        chosen = np.argsort(-f, kind="stable")[: self.count]
        deviation = np.full(f.size, LEFT_OUT, np.float32)
        kept = module.deviation.cpu().numpy()
        deviation[chosen] = np.broadcast_to(kept, f.shape)[chosen]
        module.deviation = torch.from_numpy(deviation).to(module.deviation.device)
        rank_zero_info(f"{self.modality}: {self.count} of {f.size} values are kept")


def anova(part: DataPart, modality: str, target: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return F of each value, float64 (D,): variance between classes over that within.

    Constant values have 0.

    Args:
        part: The clips; those with a label count, each present window as one.
        modality: Whose vectors.
        target: Name of the target.

    Raises:
        UserError: The arrays are no vectors, or fewer than two classes have a label.
    """
    from scipy.stats import f_oneway  # lazy: slow to import

    groups: dict[int, list[np.ndarray[Any, Any]]] = {}
    for position, clip in part.ids.items():
        label = part.labels[position].get(target, -1)
        here = np.asarray(part.present[position][modality], bool)
        if label >= 0 and here.any():
            array = np.asarray(part.array(clip, modality), np.float64)[here]
            if array.ndim != 2:
                raise UserError(
                    f"SelectValues reads vectors; {modality} is {array.shape[1:]} a window"
                )
            groups.setdefault(label, []).append(array)
    if len(groups) < 2:
        raise UserError("SelectValues needs training clips of at least two classes")
    with np.errstate(all="ignore"):
        found = f_oneway(*(np.concatenate(each) for each in groups.values()), nan_policy="omit")
    return np.nan_to_num(np.asarray(found.statistic, np.float64), nan=0.0, posinf=np.inf)
