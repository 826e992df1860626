"""Data sets: where their clips and labels are, how they are split, and their loaders."""

from emorec.data.manifest import Manifest
from emorec.data.module import EmotionDataModule
from emorec.data.ravdess import RAVDESS
from emorec.data.segments import SegmentDataset
from emorec.data.splits import Split, random_clip, subject_independent
from emorec.data.synthetic import Synthetic

__all__ = [
    "RAVDESS",
    "EmotionDataModule",
    "Manifest",
    "SegmentDataset",
    "Split",
    "Synthetic",
    "random_clip",
    "subject_independent",
]
