"""Pre-trained networks whose weights an installed package carries, and where they lie."""

from emorec.networks.packaged import PackagedWeights, WeightsError
from emorec.networks.voice import VoiceNetwork

__all__ = ["PackagedWeights", "VoiceNetwork", "WeightsError"]
