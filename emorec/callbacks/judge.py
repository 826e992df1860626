"""A trained model that judges what a generator makes."""

from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_info

from emorec.callbacks.init_weights import StartError, check_split, existing, weights_of
from emorec.tasks import GenerationTask, data_of


class TrainedJudge(Callback):
    """Gives a :class:`~emorec.tasks.GenerationTask` the trained model that its options ask for.

    That is ``adversarial.on: frozen``, soft-HGR on its encoders' features, or
    ``adversarial.auxiliary``, its classification of generated samples.

    Args:
        checkpoint: Of a run with the same encoders and fusion, on the same split: one that saw
            clips that are validated or tested on here is refused.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = Path(checkpoint)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Load its weights, unless a resumed run has them.

        Raises:
            StartError: The task asks for none, or the checkpoint is not of such a model.
            LeakError: It was trained on clips that are validated or tested on here.
        """
        task = pl_module
        if not isinstance(task, GenerationTask) or task.judge is None:
            raise StartError(
                "TrainedJudge is for GenerationTask with adversarial.on: frozen, or with "
                "adversarial.auxiliary"
            )
        if trainer.ckpt_path is not None:
            return
        path = existing(self.checkpoint, "TrainedJudge")
        check_split(path, data_of(trainer), "TrainedJudge")
        saved, own = weights_of(path), task.judge.state_dict()
        parts = ("encoders.", "fusion.", "head.", "standardise.")
        needed = {name for name in own if name.startswith(parts)}
        odd = sorted(
            name
            for name in needed
            if name not in saved
            or (saved[name].shape != own[name].shape and not name.startswith("standardise."))
        )
        if odd:
            raise StartError(
                f"TrainedJudge: {path} has no {odd[0]} of the same shape: train a model with the "
                "same encoders and fusion"
            )
        task.judge.load_state_dict({**own, **{name: saved[name] for name in needed}})
        task.judge_known.fill_(True)
        rank_zero_info(f"samples are judged by {path}")
