"""Pre-trained networks with weights that packages carry."""

from emorec.networks.packaged import PackagedWeights, WeightsError
from emorec.networks.picture import PictureNetwork
from emorec.networks.voice import VoiceNetwork

__all__ = ["PackagedWeights", "PictureNetwork", "VoiceNetwork", "WeightsError"]
