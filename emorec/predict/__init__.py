"""A trained model on recordings: one decision a clip, a timeline a person, or a trace of values."""

from emorec.predict.prediction import Prediction, Timeline, TimelineRow
from emorec.predict.predictor import Predictor
from emorec.predict.trace_prediction import TracePrediction
from emorec.predict.traces import TracePredictor

__all__ = [
    "Prediction",
    "Predictor",
    "Timeline",
    "TimelineRow",
    "TracePrediction",
    "TracePredictor",
]
