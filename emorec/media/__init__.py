"""Decoding: the only part that knows containers and codecs."""

from emorec.media.audio import read_windows
from emorec.media.faces import (
    Face,
    FaceDetector,
    MTCNNDetector,
    follow_face,
    square_crop,
)
from emorec.media.probe import Media, MediaError, Span, probe
from emorec.media.video import KeyFrames, read_key_frames

__all__ = [
    "Face",
    "FaceDetector",
    "KeyFrames",
    "MTCNNDetector",
    "Media",
    "MediaError",
    "Span",
    "follow_face",
    "probe",
    "read_key_frames",
    "read_windows",
    "square_crop",
]
