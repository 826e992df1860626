"""Clip and windows to arrays, one extractor a modality."""

from emorec.extractors.base import Extraction, Extractor
from emorec.extractors.face_crops import FaceCrops
from emorec.extractors.face_sequence import FaceSequence
from emorec.extractors.functionals import Functionals
from emorec.extractors.log_mel import LogMel
from emorec.extractors.sound import SoundExtractor
from emorec.extractors.waveform import Waveform

__all__ = [
    "Extraction",
    "Extractor",
    "FaceCrops",
    "FaceSequence",
    "Functionals",
    "LogMel",
    "SoundExtractor",
    "Waveform",
]
