"""Decoding and encoding: the only part that knows containers and codecs."""

from emorec.media.audio import iter_windows, read_blocks, read_windows
from emorec.media.batched import BatchedDetector
from emorec.media.blazeface import BlazeFaceDetector
from emorec.media.containers import MEDIA_SUFFIXES, MediaError, read_comment
from emorec.media.faces import Face, FaceDetector, Image, WholePicture, square_crop
from emorec.media.file import Media, Span
from emorec.media.follow import Person, follow_face, track_face
from emorec.media.mtcnn import MTCNNDetector
from emorec.media.packets import Decoded
from emorec.media.pictures import upright
from emorec.media.probe import probe
from emorec.media.tracks import FaceTracks
from emorec.media.video import (
    KeyFrame,
    KeyFrames,
    iter_frames,
    iter_key_frames,
    read_key_frames,
)
from emorec.media.write import MediaWriter, open_writer
from emorec.media.yunet import YuNetDetector

# Raise it when the same file decodes to other samples or pictures: caches are then stale.
DECODING = 2

__all__ = [
    "DECODING",
    "MEDIA_SUFFIXES",
    "BatchedDetector",
    "BlazeFaceDetector",
    "Decoded",
    "Face",
    "FaceDetector",
    "FaceTracks",
    "Image",
    "KeyFrame",
    "KeyFrames",
    "MTCNNDetector",
    "Media",
    "MediaError",
    "MediaWriter",
    "Person",
    "Span",
    "WholePicture",
    "YuNetDetector",
    "follow_face",
    "iter_frames",
    "iter_key_frames",
    "iter_windows",
    "open_writer",
    "probe",
    "read_blocks",
    "read_comment",
    "read_key_frames",
    "read_windows",
    "square_crop",
    "track_face",
    "upright",
]
