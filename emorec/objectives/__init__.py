"""Losses: what was computed for a batch, and its labels, to a scalar."""

from emorec.objectives.alternatives import BarlowTwins, DeepCCA, InfoNCE, VICReg
from emorec.objectives.base import Objective
from emorec.objectives.category import AuxiliaryCrossEntropy, CrossEntropy
from emorec.objectives.conditional import ConditionalSoftHGR
from emorec.objectives.hgr import SoftHGR
from emorec.objectives.pairs import PairObjective

__all__ = [
    "AuxiliaryCrossEntropy",
    "BarlowTwins",
    "ConditionalSoftHGR",
    "CrossEntropy",
    "DeepCCA",
    "InfoNCE",
    "Objective",
    "PairObjective",
    "SoftHGR",
    "VICReg",
]
