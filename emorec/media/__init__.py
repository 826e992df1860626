"""Decoding: the only part that knows containers and codecs."""

from emorec.media.audio import read_blocks, read_windows
from emorec.media.batched import BatchedDetector
from emorec.media.faces import Face, FaceDetector, Image, square_crop
from emorec.media.follow import Person, follow_face, track_face
from emorec.media.mtcnn import MTCNNDetector
from emorec.media.probe import Media, MediaError, Span, probe
from emorec.media.video import KeyFrames, read_key_frames

__all__ = [
    "BatchedDetector",
    "Face",
    "FaceDetector",
    "Image",
    "KeyFrames",
    "MTCNNDetector",
    "Media",
    "MediaError",
    "Person",
    "Span",
    "follow_face",
    "probe",
    "read_blocks",
    "read_key_frames",
    "read_windows",
    "square_crop",
    "track_face",
]
