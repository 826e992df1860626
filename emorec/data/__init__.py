"""Data sets: where their clips and labels are, how they are split, and their loaders."""

from emorec.data.baum1s import BAUM1s
from emorec.data.crema_d import CREMAD
from emorec.data.cross_corpus import CrossCorpus
from emorec.data.enterface05 import ENTERFACE05
from emorec.data.iemocap import IEMOCAP
from emorec.data.manifest import Manifest
from emorec.data.meld import MELD
from emorec.data.module import EmotionDataModule
from emorec.data.ravdess import RAVDESS
from emorec.data.recola import RECOLA
from emorec.data.savee import SAVEE
from emorec.data.segments import SegmentDataset
from emorec.data.splits import Split, random_clip, subject_independent
from emorec.data.synthetic import Synthetic
from emorec.data.synthetic_recordings import SyntheticRecordings

__all__ = [
    "CREMAD",
    "ENTERFACE05",
    "IEMOCAP",
    "MELD",
    "RAVDESS",
    "RECOLA",
    "SAVEE",
    "BAUM1s",
    "CrossCorpus",
    "EmotionDataModule",
    "Manifest",
    "SegmentDataset",
    "Split",
    "Synthetic",
    "SyntheticRecordings",
    "random_clip",
    "subject_independent",
]
