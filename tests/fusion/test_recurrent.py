"""An LSTM over the steps of all modalities."""

import pytest
import torch

from emorec.errors import UserError
from emorec.fusion import RecurrentFusion
from emorec.types import Sizes

SIZES = Sizes({"face": 3, "audio": 2}, {"affect": 2})
THERE = torch.ones(4, dtype=torch.bool)
PRESENT = {"audio": THERE, "face": THERE}


def test_steps_are_joined_in_order_of_names_and_pass_through_the_lstm() -> None:
    fusion = RecurrentFusion(SIZES, units=5)
    features = {"face": torch.randn(4, 7, 3), "audio": torch.randn(4, 7, 2)}
    fused = fusion(features, PRESENT)
    wanted, _ = fusion.lstm(torch.cat([features["audio"], features["face"]], -1))
    assert torch.equal(fused, wanted)
    assert fused.shape == (4, 7, 5)
    assert fusion.head(2)(fused).shape == (4, 7, 2)
    later = {name: torch.cat([x[:, :4], 0 * x[:, 4:]], 1) for name, x in features.items()}
    assert torch.equal(fusion(later, PRESENT)[:, :4], fused[:, :4])  # it does not look ahead


def test_two_layers_of_256_units_are_the_default() -> None:
    fusion = RecurrentFusion(SIZES)
    assert (fusion.lstm.num_layers, fusion.lstm.hidden_size, fusion.dim) == (2, 256, 256)


def test_other_steps_are_refused() -> None:
    features = {"face": torch.randn(4, 6, 3), "audio": torch.randn(4, 7, 2)}
    with pytest.raises(UserError, match="of steps from all modalities, got audio 7, face 6"):
        RecurrentFusion(SIZES)(features, PRESENT)
    with pytest.raises(UserError, match="at least 1"):
        RecurrentFusion(SIZES, layers=0)
