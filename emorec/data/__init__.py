"""Data sets: their clips and labels, splits and loaders."""

from emorec.data.corpora.afew import AFEW
from emorec.data.corpora.baum1s import BAUM1s
from emorec.data.corpora.crema_d import CREMAD
from emorec.data.corpora.enterface05 import ENTERFACE05
from emorec.data.corpora.iemocap import IEMOCAP
from emorec.data.corpora.meld import MELD
from emorec.data.corpora.ravdess import RAVDESS
from emorec.data.corpora.recola import RECOLA
from emorec.data.corpora.savee import SAVEE
from emorec.data.corpora.synthetic import Synthetic
from emorec.data.corpora.synthetic_recordings import SyntheticRecordings
from emorec.data.cross_corpus import CrossCorpus
from emorec.data.manifest import Manifest
from emorec.data.module import EmotionDataModule
from emorec.data.segments import SegmentDataset
from emorec.data.splits.parts import Split, random_clip, subject_independent

__all__ = [
    "AFEW",
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
