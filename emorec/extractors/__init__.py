"""Clip and windows to arrays, one extractor a modality."""

from emorec.extractors.base import Extraction, Extractor
from emorec.extractors.face_crops import FaceCrops
from emorec.extractors.log_mel import LogMel

__all__ = ["Extraction", "Extractor", "FaceCrops", "LogMel"]
