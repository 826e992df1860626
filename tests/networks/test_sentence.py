"""The sentence encoder of a package, from words to features."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cosine_similarity

from emorec.encoders import TextEncoder
from emorec.encoders.base import WeightsError
from emorec.extractors import Transcript
from emorec.media import Media
from emorec.types import Clip, Window

WORDS = ("I am so happy for you!", "What a joyful day", "The train leaves at nine")


def test_sentences_of_one_meaning_are_near_each_other() -> None:
    transcript, encoder = Transcript("package", 16), TextEncoder(weights="package", dim=384)
    encoder.check_weights()
    encoder.load_initial_weights()
    torch.nn.init.eye_(encoder.last.weight)
    torch.nn.init.zeros_(encoder.last.bias)
    media = Media(Path("a.mp4"), 0.0, 1.0, None, None)
    arrays = []
    for words in WORDS:
        clip = Clip("a", Path("a.mp4"), text=words)
        (array,) = transcript.extract(clip, media, [Window(0.0, 1.0)]).arrays
        arrays.append(np.asarray(array))
    with torch.no_grad():
        happy, joyful, train = encoder.eval()(torch.from_numpy(np.stack(arrays)))
    assert cosine_similarity(happy, joyful, dim=0) > 0.4
    assert cosine_similarity(happy, train, dim=0) < 0.2


def test_its_weights_fit_one_architecture() -> None:
    for options in ({"architecture": "roberta"}, {"config": {"hidden_size": 16}}):
        with pytest.raises(WeightsError, match="those of a small bert, with its own config"):
            TextEncoder(weights="package", **options)
