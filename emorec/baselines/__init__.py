"""Classical classifiers on the cached features, as the floor that a model has to beat."""

from emorec.baselines.methods import METHODS, BaselineError
from emorec.baselines.run import run_baseline

__all__ = ["METHODS", "BaselineError", "run_baseline"]
