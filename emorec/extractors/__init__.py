"""Clip and windows to arrays, one extractor per modality."""

from emorec.extractors.around import Around
from emorec.extractors.base import CLIP_TEXT, Extraction, Extractor
from emorec.extractors.faces.clip import FaceClip
from emorec.extractors.faces.crops import FaceCrops
from emorec.extractors.faces.embedding import FaceEmbedding
from emorec.extractors.faces.hog import FaceHog
from emorec.extractors.faces.landmarks import FaceLandmarks
from emorec.extractors.faces.search import FaceSearch
from emorec.extractors.faces.sequence import FaceSequence
from emorec.extractors.functionals import Functionals
from emorec.extractors.log_mel import LogMel
from emorec.extractors.smile import OpenSmile
from emorec.extractors.sound import SoundExtractor
from emorec.extractors.speaker import SpeakerEmbedding
from emorec.extractors.stored import StoredFeatures
from emorec.extractors.transcript import Transcript
from emorec.extractors.waveform import Waveform

__all__ = [
    "CLIP_TEXT",
    "Around",
    "Extraction",
    "Extractor",
    "FaceClip",
    "FaceCrops",
    "FaceEmbedding",
    "FaceHog",
    "FaceLandmarks",
    "FaceSearch",
    "FaceSequence",
    "Functionals",
    "LogMel",
    "OpenSmile",
    "SoundExtractor",
    "SpeakerEmbedding",
    "StoredFeatures",
    "Transcript",
    "Waveform",
]
