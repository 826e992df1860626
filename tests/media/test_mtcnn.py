"""What is MTCNN's own; see test_detectors.py for the rest."""

import pytest
import torch

from emorec.media import MTCNNDetector
from tests.helpers.media_files import portrait


def test_faces_below_the_least_score_are_dropped() -> None:
    assert MTCNNDetector(min_score=1.1).detect([portrait()]) == [[]]


def test_on_a_gpu_convolutions_keep_all_digits_and_the_setting_of_others_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    detector, convolutions = MTCNNDetector(), torch.backends.cudnn.conv  # type: ignore[attr-defined]
    seen: list[str] = []

    def detect(images: object) -> tuple[list[None], list[None]]:
        seen.append(convolutions.fp32_precision)
        raise RuntimeError("out of memory")

    monkeypatch.setattr(detector.net, "detect", detect)
    before = convolutions.fp32_precision
    for device, expected in (("cpu", before), ("cuda", "ieee")):
        detector.device = device
        with pytest.raises(RuntimeError, match="out of memory"):
            detector.detect([portrait()])
        assert (seen.pop(), convolutions.fp32_precision) == (expected, before)
    assert before != "ieee"
