"""What an exported model reads, and what is made of what it says."""

from pathlib import Path

import numpy as np

from emorec.media import probe
from emorec.predict import Predictor
from emorec.types import Clip


def arrays_of(predictor: Predictor, clip: Path) -> dict[str, np.ndarray]:
    """Return what the extractors cut from a clip, as an exported model reads it."""
    media = probe(clip)
    spans, _ = predictor.windows.cut(clip.stem, media)
    found = {}
    for name, extractor in predictor.extractors.items():
        arrays = extractor.extract(Clip(clip.stem, clip), media, spans).arrays
        dtype = np.uint8 if extractor.dtype is np.uint8 else np.float32
        blank = np.zeros(extractor.shape, dtype)
        found[name] = np.stack([blank if a is None else a.astype(dtype) for a in arrays])
        found[f"present_{name}"] = np.array([array is not None for array in arrays])
    return found


def vote(predictor: Predictor, shares: np.ndarray) -> np.ndarray:
    """Return a clip's probabilities from its windows', as the metadata says."""
    warm = shares.mean(0) ** (1 / float(predictor.model.state_dict()["decision.temperature"]))
    return np.asarray(warm / warm.sum())
