"""Cross-entropy on the fused output and on one feature, and the mean they share."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from emorec.objectives import AuxiliaryCrossEntropy, CrossEntropy
from emorec.objectives.base import mean_over_rows
from emorec.types import FeatureBundle, SegmentBatch, Sizes
from tests.helpers.toy import toy_batch, toy_bundle

SIZES = Sizes({"audio": 4, "face": 4, "fused": 5}, {"emotion": 3})
LABELLED = torch.arange(8) % 4 != 1
BATCH = replace(toy_batch(8), labelled={"emotion": LABELLED})


def bundle(**present: Tensor) -> FeatureBundle:
    random = torch.Generator().manual_seed(2)
    features = {
        name: torch.randn(8, width, generator=random, requires_grad=True)
        for name, width in SIZES.features.items()
    }
    return toy_bundle(features, torch.randn(8, 3, generator=random, requires_grad=True), **present)


def literal(logits: Tensor, batch: SegmentBatch, rows: Tensor) -> float:
    losses = []
    for i in range(len(batch)):
        if rows[i]:
            share = logits[i].exp() / logits[i].exp().sum()
            losses.append(-share[batch.targets["emotion"][i]].log().item())
    return sum(losses) / len(losses)


def test_the_class_loss_is_the_mean_over_labelled_rows() -> None:
    made = bundle()
    loss = CrossEntropy(SIZES)(made, BATCH)
    assert loss.item() == pytest.approx(literal(made.output, BATCH, LABELLED), rel=1e-5)
    loss.backward()
    gradient = made.output.grad
    assert gradient is not None
    assert not gradient[~LABELLED].any()
    assert gradient[LABELLED].abs().sum(1).all()


def test_the_class_loss_leaves_out_rows_without_any_modality() -> None:
    present = torch.arange(8) > 2
    made = bundle(fused=present)
    expected = literal(made.output, BATCH, LABELLED & present)
    assert CrossEntropy(SIZES)(made, BATCH).item() == pytest.approx(expected, rel=1e-5)


def test_the_class_loss_gives_the_output_as_scores() -> None:
    made = bundle()
    loss = CrossEntropy(SIZES)
    assert loss.scores(made) == {"fused": made.output}
    assert set(loss.scores(made)) == set(loss.score_names)


def test_the_auxiliary_loss_counts_labelled_rows_with_its_modality() -> None:
    present = torch.arange(8) != 3
    made = bundle(face=present)
    loss = AuxiliaryCrossEntropy(SIZES, "face")
    logits = loss.head(made.features["face"])
    assert loss(made, BATCH).item() == pytest.approx(
        literal(logits, BATCH, LABELLED & present), rel=1e-5
    )
    assert torch.equal(loss.scores(made)["face"], logits)
    assert set(loss.scores(made)) == set(loss.score_names)


def test_the_auxiliary_loss_teaches_its_head_and_its_feature_only() -> None:
    made = bundle()
    loss = AuxiliaryCrossEntropy(SIZES, "audio", weight=2.5)
    assert loss.weight == 2.5
    loss(made, BATCH).backward()
    assert isinstance(loss.head, nn.Linear)
    assert loss.head.weight.shape == (3, 4)
    for tensor in (loss.head.weight, loss.head.bias, made.features["audio"]):
        assert tensor.grad is not None
        assert tensor.grad.any()
    assert made.features["face"].grad is None
    assert made.output.grad is None


def test_an_auxiliary_loss_on_an_unknown_feature_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"no feature 'voice'; the features are audio, face, fused"
    ):
        AuxiliaryCrossEntropy(SIZES, "voice")


def test_a_mean_over_no_rows_is_zero_with_a_zero_gradient() -> None:
    values = torch.tensor([1.0, torch.nan], requires_grad=True)
    mean = mean_over_rows(values, torch.tensor([False, False]))
    mean.backward()  # type: ignore[no-untyped-call]
    assert mean.item() == 0
    assert values.grad is not None
    assert values.grad.tolist() == [0, 0]


def test_a_mean_leaves_out_what_masked_rows_hold() -> None:
    values = torch.tensor([1.0, torch.nan, 4.0], requires_grad=True)
    mean = mean_over_rows(values, torch.tensor([True, False, True]))
    mean.backward()  # type: ignore[no-untyped-call]
    assert mean.item() == 2.5
    assert values.grad is not None
    assert values.grad.tolist() == [0.5, 0, 0.5]
