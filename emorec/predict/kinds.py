"""Which predictor a checkpoint needs: of classes, or of values over time."""

from pathlib import Path

from emorec.tasks import ClassificationTask, EmotionTask, RegressionTask, TaskError


def need_classes(task: EmotionTask, where: str | Path) -> ClassificationTask:
    """Return a task of classes.

    Args:
        task: A trained task.
        where: Where it comes from, for the message.

    Raises:
        TaskError: It is another one; the message says what works with it.
    """
    if isinstance(task, ClassificationTask):
        return task
    found = f"{where} holds a {type(task).__name__}, which predicts no classes"
    if isinstance(task, RegressionTask):
        found += (
            f" but values over time ({', '.join(task.classes)}): emorec predict writes each "
            "recording's trace, emorec.predict.TracePredictor returns it in Python"
        )
    raise TaskError(found)


def need_values(task: EmotionTask, where: str | Path) -> RegressionTask:
    """Return a task of values over time; see :func:`need_classes`.

    Raises:
        TaskError: It is another one.
    """
    if isinstance(task, RegressionTask):
        return task
    found = f"{where} holds a {type(task).__name__}, which predicts no values over time"
    if isinstance(task, ClassificationTask):
        found += f" but classes ({', '.join(task.classes)}): use emorec.predict.Predictor"
    raise TaskError(found)
