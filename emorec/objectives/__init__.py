"""Losses: scalars from the features of a batch and its labels."""

from emorec.objectives.alignment import BarlowTwins, DeepCCA, InfoNCE, VICReg
from emorec.objectives.base import Objective
from emorec.objectives.capsule_margin import CapsuleMargin
from emorec.objectives.category import AuxiliaryCrossEntropy, CategoryObjective, CrossEntropy
from emorec.objectives.clip_reconstruction import ClipReconstruction
from emorec.objectives.common_private import CommonPrivate
from emorec.objectives.concordance import AuxiliaryConcordance, Concordance
from emorec.objectives.conditional import ConditionalSoftHGR
from emorec.objectives.distribution_matching import MMD
from emorec.objectives.focal import FocalLoss
from emorec.objectives.hgr import SoftHGR
from emorec.objectives.metric_learning import AdaptiveTriplet, SupervisedContrastive
from emorec.objectives.one_against_rest import OneAgainstRest
from emorec.objectives.pairs import PairObjective
from emorec.objectives.reconstruction import ReconstructionObjective, VectorReconstruction
from emorec.objectives.sequence_reconstruction import SequenceReconstruction
from emorec.objectives.transformer_reconstruction import TransformerReconstruction
from emorec.objectives.unlabelled import Consistency, PseudoLabel
from emorec.objectives.variance_covariance import VarianceCovariance

__all__ = [
    "MMD",
    "AdaptiveTriplet",
    "AuxiliaryConcordance",
    "AuxiliaryCrossEntropy",
    "BarlowTwins",
    "CapsuleMargin",
    "CategoryObjective",
    "ClipReconstruction",
    "CommonPrivate",
    "Concordance",
    "ConditionalSoftHGR",
    "Consistency",
    "CrossEntropy",
    "DeepCCA",
    "FocalLoss",
    "InfoNCE",
    "Objective",
    "OneAgainstRest",
    "PairObjective",
    "PseudoLabel",
    "ReconstructionObjective",
    "SequenceReconstruction",
    "SoftHGR",
    "SupervisedContrastive",
    "TransformerReconstruction",
    "VICReg",
    "VarianceCovariance",
    "VectorReconstruction",
]
