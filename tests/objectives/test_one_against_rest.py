"""Heads for some classes: the loss, and how the rest is shared."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy

from emorec.errors import UserError
from emorec.objectives import OneAgainstRest
from emorec.testing import toy_batch, toy_bundle
from emorec.types import Sizes

SIZES = Sizes({"audio": 8, "fused": 4}, {"emotion": 4})


def test_it_is_the_mean_of_binary_losses_of_the_chosen_classes() -> None:
    batch = toy_batch({"audio": torch.randn(12, 3)}, classes=4)
    bundle = toy_bundle(SIZES, batch)
    loss = OneAgainstRest(SIZES, [2, 0])
    rows = batch.labelled["emotion"] & bundle.present["fused"]
    p = bundle.output.sigmoid()[rows][:, [0, 2]]
    target = batch.targets["emotion"][rows]
    wanted = torch.stack([target == 0, target == 2], 1).float()
    torch.testing.assert_close(loss(bundle, batch), binary_cross_entropy(p, wanted))


def test_other_classes_share_the_rest_equally() -> None:
    batch = toy_batch({"audio": torch.randn(8, 3)}, classes=4)
    bundle = toy_bundle(SIZES, batch)
    scores = OneAgainstRest(SIZES, [0, 2]).scores(bundle)["fused"].softmax(1)
    torch.testing.assert_close(scores[:, 1], scores[:, 3])
    p = bundle.output.sigmoid()
    ratio = scores[:, 0] / scores[:, 2]
    torch.testing.assert_close(ratio, p[:, 0] / p[:, 2])
    everything = OneAgainstRest(SIZES, [0, 1, 2, 3]).scores(bundle)["fused"].softmax(1)
    torch.testing.assert_close(everything, p / p.sum(1, keepdim=True))


def test_classes_that_do_not_exist_are_refused() -> None:
    for classes in ([], [4], [-1]):
        with pytest.raises(UserError, match="0 to 3"):
            OneAgainstRest(SIZES, classes)
    with pytest.raises(UserError, match="positions in the target 'mood'"):
        OneAgainstRest(SIZES, [0], target="mood")
