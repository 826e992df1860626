"""The model as a plain torch module."""

from emorec.model.in_force import InForce
from emorec.model.model import EmotionModel, group_of

__all__ = ["EmotionModel", "InForce", "group_of"]
