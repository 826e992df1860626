"""Features of the modalities to one feature."""

from emorec.fusion.base import Fusion
from emorec.fusion.concat import ConcatFusion

__all__ = ["ConcatFusion", "Fusion"]
