"""LightningModules that train a model on batches and evaluate it on clips."""

from emorec.tasks.adversarial import Adversarial
from emorec.tasks.base import EmotionTask, data_of, task_of
from emorec.tasks.classification import ClassificationTask
from emorec.tasks.generation import GenerationTask
from emorec.tasks.optimizers import adam
from emorec.tasks.regression import RegressionTask
from emorec.tasks.schedules import OneCycle, Planned, Schedule, TorchSchedule, WarmupCosine

__all__ = [
    "Adversarial",
    "ClassificationTask",
    "EmotionTask",
    "GenerationTask",
    "OneCycle",
    "Planned",
    "RegressionTask",
    "Schedule",
    "TorchSchedule",
    "WarmupCosine",
    "adam",
    "data_of",
    "task_of",
]
