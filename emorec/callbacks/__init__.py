"""What happens around training: stages, reproducible epochs, reports."""

from emorec.callbacks.averaging import AveragedWeights
from emorec.callbacks.dashboard import Dashboard
from emorec.callbacks.epoch_seed import EpochSeed
from emorec.callbacks.missing import MissingModality
from emorec.callbacks.report import Report
from emorec.callbacks.spectrum import Spectrum
from emorec.callbacks.speed import ChannelsLast, Compile
from emorec.callbacks.stage import Stage, StageError
from emorec.callbacks.staged import StagedTraining
from emorec.callbacks.teacher import Teacher
from emorec.callbacks.throughput import Throughput

__all__ = [
    "AveragedWeights",
    "ChannelsLast",
    "Compile",
    "Dashboard",
    "EpochSeed",
    "MissingModality",
    "Report",
    "Spectrum",
    "Stage",
    "StageError",
    "StagedTraining",
    "Teacher",
    "Throughput",
]
