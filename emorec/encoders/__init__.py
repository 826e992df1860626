"""Encoders from one modality, or the label, to features."""

from emorec.encoders.base import Encoder, LabelEncoder
from emorec.encoders.conv_sequence import ConvSequenceEncoder
from emorec.encoders.face_clip import C3DA, S3DAE
from emorec.encoders.frames import FrameSequenceEncoder
from emorec.encoders.image import ImageEncoder
from emorec.encoders.label import OneHotLabelEncoder
from emorec.encoders.landmark_images import LandmarkImageEncoder
from emorec.encoders.raw_waveform import RawWaveformEncoder
from emorec.encoders.speaker import SpeakerEncoder
from emorec.encoders.spectrogram import SpectrogramEncoder
from emorec.encoders.speech import SpeechEncoder
from emorec.encoders.text import TextEncoder
from emorec.encoders.transformer_sequence import TransformerSequenceEncoder
from emorec.encoders.vector import VectorEncoder

__all__ = [
    "C3DA",
    "S3DAE",
    "ConvSequenceEncoder",
    "Encoder",
    "FrameSequenceEncoder",
    "ImageEncoder",
    "LabelEncoder",
    "LandmarkImageEncoder",
    "OneHotLabelEncoder",
    "RawWaveformEncoder",
    "SpeakerEncoder",
    "SpectrogramEncoder",
    "SpeechEncoder",
    "TextEncoder",
    "TransformerSequenceEncoder",
    "VectorEncoder",
]
