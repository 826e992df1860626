"""The description of a model that programs without emorec need, as plain values."""

from typing import Any

import numpy as np

from emorec.evaluation.decision import ClassDecision
from emorec.predict import Predictor
from emorec.system.described import HasArguments, described
from emorec.system.version import code_version

KEY = "emorec"  # metadata key in exported files


def describe(predictor: Predictor) -> dict[str, Any]:
    """Return labels, windows and the preprocessing of each modality, JSON-ready.

    The exported graph includes standardisation; its values are given for information.
    """
    model, target = predictor.model, predictor.need_classes("emorec export")
    assert isinstance(model.decision, ClassDecision)
    return {
        "emorec": code_version(),
        "labels": list(target.names),
        "target": model.target_name,
        "modalities": {name: _modality(predictor, name) for name in sorted(model.standardise)},
        "used": list(predictor.shown),
        "windows": _named(predictor.windows),
        "inputs": "for each modality its windows, and present_MODALITY, bool: where it is present "
        "(zeros elsewhere)",
        "temperature": float(model.decision.temperature),
        "output": "probabilities (windows, labels); those of a clip are the mean over its windows, "
        "raised to the power 1 / temperature and normalised to sum to 1",
    }


def input_dtype(dtype: Any) -> Any:
    """Return the numpy dtype of an exported model's input for an extractor's dtype."""
    return np.uint8 if dtype is np.uint8 else np.float32


def _modality(predictor: Predictor, name: str) -> dict[str, Any]:
    extractor = predictor.extractors[name]
    standardise: Any = predictor.model.standardise[name]
    return {
        "shape": list(extractor.shape),
        "dtype": np.dtype(input_dtype(extractor.dtype)).name,
        "extractor": _named(extractor),
        "mean": standardise.mean.cpu().numpy().tolist(),
        "deviation": standardise.deviation.cpu().numpy().tolist(),
    }


def _named(thing: HasArguments) -> dict[str, Any]:
    return {"class": type(thing).__name__, **described(thing)["init_args"]}
