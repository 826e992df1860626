"""The predictor that fits a checkpoint."""

from pathlib import Path

from emorec.predict.kinds import need_classes
from emorec.predict.predictor import Predictor
from emorec.predict.traces import TracePredictor
from emorec.runs.checkpoints import load_checkpoint
from emorec.tasks import RegressionTask


def load_predictor(
    path: str | Path, device: str = "auto", batch_size: int | None = None, *, trust: bool = False
) -> Predictor | TracePredictor:
    """Load a checkpoint of ``emorec fit``, of classes or of values over time.

    Arguments: see :meth:`emorec.predict.Predictor.from_checkpoint`.

    Raises:
        CheckpointError: It cannot be read, or names foreign classes and is not trusted.
        TaskError: It holds a task of another kind.
    """
    task, data = load_checkpoint(Path(path), trust=trust)
    place = Predictor.find_device(device)
    if isinstance(task, RegressionTask):
        return TracePredictor(task, data.windows, data.extractors, data.step, place, batch_size)
    known = need_classes(task, path)
    return Predictor(known, data.windows, data.extractors, place, batch_size)
