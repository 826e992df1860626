"""Callbacks: training stages, reproducible epochs, averaged weights, evaluation and speed."""

from emorec.callbacks.averaging import AveragedWeights
from emorec.callbacks.common_information import CommonInformation
from emorec.callbacks.epoch_seed import EpochSeed
from emorec.callbacks.judge import TrainedJudge
from emorec.callbacks.missing import MissingModality
from emorec.callbacks.select_values import SelectValues
from emorec.callbacks.spectrum import Spectrum
from emorec.callbacks.speed import ChannelsLast, Compile
from emorec.callbacks.stage import Stage, StageError
from emorec.callbacks.staged import StagedTraining
from emorec.callbacks.teacher import Teacher
from emorec.callbacks.throughput import Throughput

__all__ = [
    "AveragedWeights",
    "ChannelsLast",
    "CommonInformation",
    "Compile",
    "EpochSeed",
    "MissingModality",
    "SelectValues",
    "Spectrum",
    "Stage",
    "StageError",
    "StagedTraining",
    "Teacher",
    "Throughput",
    "TrainedJudge",
]
