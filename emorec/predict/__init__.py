"""Prediction on recordings: a class per clip, a timeline per person, or a continuous trace."""

from emorec.predict.checkpoint import CheckpointError
from emorec.predict.prediction import ClassPrediction, Prediction, TracePrediction
from emorec.predict.predictor import Predictor, load_predictor
from emorec.predict.timeline import Timeline, TimelineRow

__all__ = [
    "CheckpointError",
    "ClassPrediction",
    "Prediction",
    "Predictor",
    "Timeline",
    "TimelineRow",
    "TracePrediction",
    "load_predictor",
]
