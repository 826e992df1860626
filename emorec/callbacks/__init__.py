"""What happens around training: stages, reproducible epochs, reports."""

from emorec.callbacks.epoch_seed import EpochSeed
from emorec.callbacks.report import Report
from emorec.callbacks.staged import Stage, StagedTraining, StageError

__all__ = ["EpochSeed", "Report", "Stage", "StageError", "StagedTraining"]
