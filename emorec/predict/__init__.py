"""Prediction on recordings: a class per clip, a timeline per person, or a continuous trace."""

from emorec.predict.checkpoint import CheckpointError
from emorec.predict.ensemble import Ensemble, load_predictor
from emorec.predict.prediction import ClassPrediction, Prediction, TracePrediction
from emorec.predict.predictor import Predictor
from emorec.predict.timeline import Timeline, TimelineRow

__all__ = [
    "CheckpointError",
    "ClassPrediction",
    "Ensemble",
    "Prediction",
    "Predictor",
    "Timeline",
    "TimelineRow",
    "TracePrediction",
    "load_predictor",
]
