"""Test results on a W&B dashboard."""

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import WandbLogger
from typing_extensions import override

from emorec.figures.plots import pixels_of
from emorec.runs.report import results_of
from emorec.runs.tested_classes import TestedClasses
from emorec.tasks import task_of
from emorec.types import Array, EmotionData


class Dashboard(Callback):
    """Sends test results to W&B, if that is the logger; other loggers are left alone.

    For each kind of scores (``fused``, ``audio``, ...): all measures, the confusion matrix, and a
    table of the misclassified clips with their probabilities.
    For a continuous target: the CCC of each dimension, and the figure of the traces.

    Args:
        key_frames: Also send a face crop of each of these clips: images of people leave the
            machine.
    """

    def __init__(self, key_frames: bool = False) -> None:
        self.key_frames = key_frames

    @override
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        loggers = [each for each in trainer.loggers if isinstance(each, WandbLogger)]
        if not loggers or not trainer.is_global_zero:
            return
        for each in results_of(task_of(pl_module)):
            place = f"test/{each.name}"
            values = {f"{place}/{key}": v for key, v in each.scores().items() if v is not None}
            pictures = {f"{place}/{key}": [pixels_of(figure)] for key, figure in each.figures()}
            for logger in loggers:
                logger.log_metrics(values)
                for key, picture in pictures.items():
                    logger.log_image(key, picture)
                if isinstance(each, TestedClasses):
                    self._log_wrong(logger, place, each)

    def _log_wrong(self, logger: WandbLogger, place: str, tested: TestedClasses) -> None:
        """Send the misclassified clips."""
        classes, wrong = tested.decision.target.names, tested.wrong()
        columns = ["clip", "group", "target", "predicted", *(f"p_{c}" for c in classes)]
        rows = [[w.clip.id, w.clip.group, w.target, w.predicted, *w.scores] for w in wrong]
        logger.log_table(f"{place}/misclassified", columns=columns, data=rows)
        if not self.key_frames:
            return
        # Not in the table: offline, W&B drops images in tables (its issue 4611).
        crops = [(_crop(tested.data, w.clip.id), w) for w in wrong]
        shown = [(c, f"{w.clip.id}: {w.target} taken for {w.predicted}") for c, w in crops]
        shown = [(crop, text) for crop, text in shown if crop is not None]
        if shown:
            pictures, texts = (list(each) for each in zip(*shown, strict=True))
            logger.log_image(f"{place}/key_frames", pictures, caption=texts)


def _crop(data: EmotionData, clip_id: str) -> Array | None:
    """Return the image (H, W, 3) of a clip's middle window in the first modality with images."""
    for name in sorted(data.extractors):
        pictures: Array = data.parts["test"].array(clip_id, name)
        if pictures.dtype == np.uint8 and pictures.ndim == 4 and pictures.shape[1] == 3:
            crop: Array = np.moveaxis(pictures[len(pictures) // 2], 0, -1)
            return crop
    return None
