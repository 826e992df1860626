"""The label network: an embedding of the classes plus a bias."""

import pytest
import torch

from emorec.encoders import OneHotLabelEncoder
from emorec.types import Sizes

SIZES = Sizes({"audio": 5}, {"emotion": 3, "valence": 4})


def test_a_label_becomes_its_column_of_the_layer_plus_the_bias() -> None:
    encoder = OneHotLabelEncoder(SIZES, dim=5)
    features = encoder(torch.tensor([2, 0, 2]))
    assert features.shape == (3, encoder.dim)
    weight, bias = encoder.linear.weight, encoder.linear.bias
    torch.testing.assert_close(features[0], weight[:, 2] + bias)
    torch.testing.assert_close(features[1], weight[:, 0] + bias)
    assert torch.equal(features[0], features[2])


def test_the_width_is_the_papers_512_and_the_classes_are_the_targets() -> None:
    assert OneHotLabelEncoder(SIZES).linear.weight.shape == (512, 3)
    assert OneHotLabelEncoder(SIZES, target="valence").linear.weight.shape == (512, 4)


def test_the_encoder_learns() -> None:
    encoder = OneHotLabelEncoder(SIZES, dim=2)
    encoder(torch.tensor([1])).sum().backward()
    gradient = encoder.linear.weight.grad
    assert gradient is not None
    assert gradient.tolist() == [[0, 1, 0], [0, 1, 0]]


def test_a_class_that_does_not_exist_is_refused() -> None:
    with pytest.raises(RuntimeError):
        OneHotLabelEncoder(SIZES, dim=2)(torch.tensor([3]))
