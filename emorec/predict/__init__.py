"""A trained model on recordings: one decision a clip, or a timeline a person."""

from emorec.predict.prediction import Prediction, Timeline, TimelineRow
from emorec.predict.predictor import Predictor

__all__ = ["Prediction", "Predictor", "Timeline", "TimelineRow"]
