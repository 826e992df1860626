"""Fusions of the modalities' features into one."""

from emorec.fusion.attention import CrossModalAttention
from emorec.fusion.base import Fusion
from emorec.fusion.capsules import CapsuleFusion
from emorec.fusion.common_private import CommonPrivateFusion
from emorec.fusion.concat import ConcatFusion
from emorec.fusion.filled import FilledFusion
from emorec.fusion.gated import GatedFusion
from emorec.fusion.hybrid_attention import HybridAttention
from emorec.fusion.joint_attention import JointCrossAttention
from emorec.fusion.late import LateFusion
from emorec.fusion.low_rank import LowRankFusion
from emorec.fusion.query_attention import QueryAttention
from emorec.fusion.recurrent import RecurrentFusion
from emorec.fusion.tensor import TensorFusion

__all__ = [
    "CapsuleFusion",
    "CommonPrivateFusion",
    "ConcatFusion",
    "CrossModalAttention",
    "FilledFusion",
    "Fusion",
    "GatedFusion",
    "HybridAttention",
    "JointCrossAttention",
    "LateFusion",
    "LowRankFusion",
    "QueryAttention",
    "RecurrentFusion",
    "TensorFusion",
]
