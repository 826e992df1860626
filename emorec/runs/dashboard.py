"""What testing found, on a W&B dashboard."""

from typing import Any, NamedTuple

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import WandbLogger
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from emorec.evaluation.clips import Votes, clip_metrics
from emorec.figures.plots import confusion_figure
from emorec.runs.report_traces import report_traces, traces_picture
from emorec.tasks import ClassificationTask, RegressionTask
from emorec.types import Array, Clip


class Wrong(NamedTuple):
    """A clip that was decided wrongly."""

    clip: Clip
    target: str
    predicted: str
    scores: list[float]


class Dashboard(Callback):
    """Sends test results to W&B, where that is the logger; other loggers are left alone.

    For each kind of scores (``fused``, ``audio``, ...): all measures, the confusion matrix, and a
    table of the clips that were decided wrongly, with their probabilities.
    Of a continuous target: the CCC of each dimension, and the picture of the traces.

    Args:
        key_frames: Send a face crop of each of these clips, too: pictures of people leave the
            machine.
    """

    def __init__(self, key_frames: bool = False) -> None:
        self.key_frames = key_frames

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Send; see the class."""
        loggers = [each for each in trainer.loggers if isinstance(each, WandbLogger)]
        if not loggers or not trainer.is_global_zero:
            return
        data: Any = getattr(trainer, "datamodule", None)
        if isinstance(pl_module, RegressionTask):
            for name, found in report_traces(pl_module, data, None).items():
                cccs = {"ccc": found["ccc"]} | {
                    f"ccc_{dimension}": each["ccc"]
                    for dimension, each in found["dimensions"].items()
                }
                values = {f"test/{name}/{key}": v for key, v in cccs.items() if v is not None}
                picture = _drawn(traces_picture(pl_module, data, name))
                for logger in loggers:
                    logger.log_metrics(values)
                    logger.log_image(f"test/{name}/traces", [picture])
            return
        assert isinstance(pl_module, ClassificationTask)
        classes = pl_module.classes
        for name, votes in pl_module.test_votes.items():
            metrics = clip_metrics(votes, len(classes))
            values = {
                f"test/{name}/{key}": value
                for key, value in metrics.scores.items()
                if value is not None
            }
            title = f"{name}, {metrics.clips} test clips"
            picture = _drawn(confusion_figure(metrics.confusion, classes, title))
            wrong = misclassified(votes, data.all_clips, classes)
            columns = ["clip", "group", "target", "predicted", *(f"p_{c}" for c in classes)]
            rows = [[w.clip.id, w.clip.group, w.target, w.predicted, *w.scores] for w in wrong]
            # Not in the table: offline, W&B drops pictures in tables (its issue 4611).
            crops = [_crop(data, w.clip.id) for w in wrong] if self.key_frames else []
            captions = [f"{w.clip.id}: {w.target} taken for {w.predicted}" for w in wrong]
            shown = [(c, t) for c, t in zip(crops, captions, strict=False) if c is not None]
            for logger in loggers:
                logger.log_metrics(values)
                logger.log_image(f"test/{name}/confusion_matrix", [picture])
                logger.log_table(f"test/{name}/misclassified", columns=columns, data=rows)
                if shown:
                    pictures, texts = (list(each) for each in zip(*shown, strict=True))
                    logger.log_image(f"test/{name}/key_frames", pictures, caption=texts)


def misclassified(votes: Votes, clips: list[Clip], classes: list[str]) -> list[Wrong]:
    """Return the labelled clips whose most probable class is not the label.

    Args:
        votes: Decisions.
        clips: All clips; ``votes.clip`` is a position in it.
        classes: Class names.
    """
    wrong = []
    for position, scores, target in zip(*(v.tolist() for v in votes[:3]), strict=True):
        predicted = int(np.argmax(scores))
        if target not in (-1, predicted):
            wrong.append(Wrong(clips[position], classes[target], classes[predicted], scores))
    return wrong


def _drawn(figure: Figure) -> Array:
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def _crop(data: Any, clip_id: str) -> Array | None:
    """Return (H, W, 3) of a clip's middle window, of the first modality that has pictures."""
    for name in sorted(data.extractors):
        pictures: Array = data.parts["test"].cache.array(clip_id, name)
        if pictures.dtype == np.uint8 and pictures.ndim == 4 and pictures.shape[1] == 3:
            crop: Array = np.moveaxis(pictures[len(pictures) // 2], 0, -1)
            return crop
    return None
