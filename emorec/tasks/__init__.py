"""LightningModules: how a batch is trained on and a clip is judged."""

from emorec.tasks.base import EmotionTask
from emorec.tasks.classification import ClassificationTask
from emorec.tasks.model import TaskError
from emorec.tasks.regression import RegressionTask
from emorec.tasks.schedules import OneCycle, Planned, Schedule, TorchSchedule, WarmupCosine

__all__ = [
    "ClassificationTask",
    "EmotionTask",
    "OneCycle",
    "Planned",
    "RegressionTask",
    "Schedule",
    "TaskError",
    "TorchSchedule",
    "WarmupCosine",
]
