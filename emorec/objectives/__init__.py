"""Losses: what was computed for a batch, and its labels, to a scalar."""

from emorec.objectives.base import Objective
from emorec.objectives.category import AuxiliaryCrossEntropy, CrossEntropy
from emorec.objectives.hgr import SoftHGR

__all__ = ["AuxiliaryCrossEntropy", "CrossEntropy", "Objective", "SoftHGR"]
