"""LightningModules: how a batch is trained on and a clip is judged."""

from emorec.tasks.base import EmotionTask
from emorec.tasks.classification import ClassificationTask
from emorec.tasks.model import TaskError
from emorec.tasks.regression import RegressionTask

__all__ = ["ClassificationTask", "EmotionTask", "RegressionTask", "TaskError"]
