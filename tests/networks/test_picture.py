"""EfficientNet-Lite0 from its package: the same as timm's, whole and up to the fifth stage."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emorec.encoders import ImageEncoder
from emorec.encoders.base import WeightsError
from emorec.extractors import FaceEmbedding
from emorec.extractors.faces.crops import imagenet
from emorec.media import probe
from emorec.networks import PictureNetwork
from emorec.networks.picture import BACKBONE, SEEN
from emorec.types import Clip, Window
from tests.conftest import Place


def pictures(rows: int, side: int = 96) -> torch.Tensor:
    random = torch.Generator().manual_seed(side)
    return torch.randint(0, 256, (rows, 3, side, side), generator=random, dtype=torch.uint8)


def test_the_middle_is_that_of_the_whole_network() -> None:
    encoder = ImageEncoder(f"timm/{BACKBONE}", "package", dim=None)
    encoder.check_weights()
    encoder.load_initial_weights()
    encoder.eval()
    seen: dict[str, torch.Tensor] = {}
    fifth = encoder.trunk.get_submodule("blocks.4")
    fifth.register_forward_hook(lambda *given: seen.update(middle=given[2]))
    given = pictures(2)
    mean, deviation = (torch.from_numpy(np.asarray(each, np.float32)) for each in imagenet())
    with torch.no_grad():
        encoder((given.float() - mean) / deviation)
        found = PictureNetwork.pretrained()(given)
    pooled = torch.nn.functional.adaptive_avg_pool2d(seen["middle"], 4).flatten(1)
    assert found.shape == (2, SEEN)
    torch.testing.assert_close(found, pooled, atol=1e-4, rtol=1e-4)


def test_its_pixels_go_from_minus_one_to_one_as_timm_says() -> None:
    import timm

    known: Any = timm.create_model(BACKBONE)
    assert known.default_cfg["mean"] == known.default_cfg["std"] == (0.5, 0.5, 0.5)


def test_the_package_has_weights_of_one_backbone_only() -> None:
    encoder = ImageEncoder("resnet18", "package")
    with pytest.raises(WeightsError, match="are those of timm/tf_efficientnet_lite0; for resnet18"):
        encoder.check_weights()


def test_a_face_is_one_vector_per_window(place: Place, smoke_run: Path) -> None:
    media = sorted(place.media.rglob("*.mp4"))[0]
    clip, found = Clip("a", media), probe(media)
    extractor = FaceEmbedding(frames=3)
    windows = [Window(0.0, found.duration), Window(0.0, 0.5)]
    arrays = extractor.extract(clip, found, windows).arrays
    assert [None if a is None else a.shape for a in arrays] == [(2 * SEEN,)] * 2
    assert arrays[0] is not None
    assert np.isfinite(np.asarray(arrays[0], np.float64)).all()
    (streamed,) = extractor.stream(clip, found, [windows[1:]])
    assert streamed.persons
    silent = FaceEmbedding(frames=3)
    nothing = silent.extract(clip, probe(media).part(0.0, 0.2), [Window(5.0, 6.0)]).arrays
    assert nothing == [None]
