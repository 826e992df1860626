"""One modality, or the label, to features."""

from emorec.encoders.base import Encoder, LabelEncoder
from emorec.encoders.image import ImageEncoder
from emorec.encoders.label import OneHotLabelEncoder

__all__ = ["Encoder", "ImageEncoder", "LabelEncoder", "OneHotLabelEncoder"]
