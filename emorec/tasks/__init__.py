"""LightningModules: how a batch is trained on and a clip is judged."""

from emorec.tasks.base import EmotionTask, TaskError
from emorec.tasks.classification import ClassificationTask

__all__ = ["ClassificationTask", "EmotionTask", "TaskError"]
