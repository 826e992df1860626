"""Imbalance: weights of classes, label smoothing, the focal loss, and labels that are mixed."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

from emorec.errors import UserError
from emorec.objectives import AuxiliaryCrossEntropy, CategoryObjective, CrossEntropy, FocalLoss
from emorec.types import FeatureBundle, Sizes
from tests.helpers.toy import toy_batch, toy_bundle

SIZES = Sizes({"audio": 4, "fused": 4}, {"emotion": 3})
BATCH = toy_batch(12)
TARGET = BATCH.targets["emotion"]
ROWS = BATCH.labelled["emotion"]
COUNTS = {"emotion": torch.tensor([90, 10, 0])}


@pytest.fixture
def bundle() -> FeatureBundle:
    random = torch.Generator().manual_seed(0)
    features = {n: torch.randn(12, w, generator=random) for n, w in SIZES.features.items()}
    return toy_bundle(features, torch.randn(12, 3, generator=random, requires_grad=True))


def test_inverse_weights_have_the_mean_one_over_the_clips() -> None:
    loss = CrossEntropy(SIZES, class_weights="inverse")
    loss.set_class_counts(COUNTS)
    assert loss.per_class.tolist() == pytest.approx([100 / 2 / 90, 100 / 2 / 10, 0])
    plain = CrossEntropy(SIZES)
    plain.set_class_counts(COUNTS)
    assert plain.per_class.tolist() == [1, 1, 1]


@pytest.mark.parametrize("counts", [[10, 20, 15], [10, 20, 0], [0, 0, 0]])
def test_auto_weighs_nothing_where_classes_are_balanced(counts: list[int]) -> None:
    loss = CrossEntropy(SIZES, class_weights="auto")
    loss.set_class_counts({"emotion": torch.tensor(counts)})
    assert loss.per_class.tolist() == [1, 1, 1]


def test_auto_is_the_inverse_frequency_where_they_are_not() -> None:
    losses = [
        CrossEntropy(SIZES, class_weights="auto"),
        CrossEntropy(SIZES, class_weights="inverse"),
    ]
    for loss in losses:
        loss.set_class_counts({"emotion": torch.tensor([10, 21, 0])})
    assert torch.equal(losses[0].per_class, losses[1].per_class)
    assert float(losses[0].per_class[0]) > 1


def test_effective_numbers_follow_the_paper() -> None:
    loss = CrossEntropy(SIZES, class_weights="effective_number", beta=0.9)
    loss.set_class_counts(COUNTS)
    raw = [(1 - 0.9) / (1 - 0.9**n) for n in (90, 10)]
    assert float(loss.per_class[1] / loss.per_class[0]) == pytest.approx(raw[1] / raw[0])
    assert float((loss.per_class * COUNTS["emotion"]).sum()) == pytest.approx(100, rel=1e-5)
    near = CrossEntropy(SIZES, class_weights="effective_number", beta=0.999999)
    near.set_class_counts(COUNTS)
    assert float(near.per_class[1] / near.per_class[0]) == pytest.approx(9, rel=1e-2)
    with pytest.raises(UserError, match="beta must be 0 to below 1"):
        CrossEntropy(SIZES, beta=1.0)


@pytest.mark.parametrize("kind", [CrossEntropy, FocalLoss, AuxiliaryCrossEntropy])
def test_each_row_counts_by_the_weight_of_its_class(
    kind: type[CategoryObjective], bundle: FeatureBundle
) -> None:
    options = {"feature": "audio"} if kind is AuxiliaryCrossEntropy else {}
    torch.manual_seed(0)
    loss = kind(SIZES, class_weights="inverse", **options)  # type: ignore[arg-type]
    loss.set_class_counts(COUNTS)
    values = loss.row_losses(loss.logits(bundle), TARGET)
    wanted = (values * loss.per_class[TARGET])[ROWS].mean()
    torch.testing.assert_close(loss(bundle, BATCH), wanted)


def test_smoothing_spreads_the_label(bundle: FeatureBundle) -> None:
    wanted = cross_entropy(bundle.output[ROWS], TARGET[ROWS], label_smoothing=0.3)
    torch.testing.assert_close(CrossEntropy(SIZES, label_smoothing=0.3)(bundle, BATCH), wanted)


def test_the_focal_loss_is_its_formula_and_cross_entropy_at_zero(bundle: FeatureBundle) -> None:
    p = bundle.output.softmax(1)[torch.arange(12), TARGET]
    wanted = (-((1 - p) ** 1.5) * p.log())[ROWS].mean()
    torch.testing.assert_close(FocalLoss(SIZES, 1.5)(bundle, BATCH), wanted)
    torch.testing.assert_close(
        FocalLoss(SIZES, 0.0)(bundle, BATCH), CrossEntropy(SIZES)(bundle, BATCH)
    )
    with pytest.raises(UserError, match="gamma must be at least 0"):
        FocalLoss(SIZES, -1.0)


@pytest.mark.parametrize("loss", [CrossEntropy(SIZES), FocalLoss(SIZES)], ids=["ce", "focal"])
def test_a_mixed_label_is_the_mix_of_the_losses(
    loss: CategoryObjective, bundle: FeatureBundle
) -> None:
    loss.class_weights = "inverse"
    loss.set_class_counts({"emotion": torch.tensor([5, 3, 2])})
    hard = one_hot(TARGET, 3).float()
    torch.testing.assert_close(
        loss(bundle, replace(BATCH, targets={"emotion": hard})), loss(bundle, BATCH)
    )
    other = (TARGET + 1) % 3
    mixed = 0.7 * hard + 0.3 * one_hot(other, 3)
    soft = CrossEntropy(SIZES)(bundle, replace(BATCH, targets={"emotion": mixed}))
    parts = [
        CrossEntropy(SIZES)(bundle, replace(BATCH, targets={"emotion": t})) for t in (TARGET, other)
    ]
    torch.testing.assert_close(soft, 0.7 * parts[0] + 0.3 * parts[1])
