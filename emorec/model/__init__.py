"""The model as a plain module of torch: what it computes, and how it is read from a file."""

from emorec.model.in_force import InForce
from emorec.model.model import EmotionModel, group_of

__all__ = ["EmotionModel", "InForce", "group_of"]
