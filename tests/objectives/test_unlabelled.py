"""Pseudo-labels and consistency: which rows count, and with what."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from emorec.errors import UserError
from emorec.objectives import Consistency, PseudoLabel
from emorec.types import FeatureBundle, Sizes
from tests.helpers.toy import toy_batch, toy_bundle

SIZES = Sizes({"audio": 4, "fused": 4}, {"emotion": 3})
LABELLED = torch.arange(12) < 4
BATCH = replace(toy_batch(12), labelled={"emotion": LABELLED})


@pytest.fixture
def bundle() -> FeatureBundle:
    random = torch.Generator().manual_seed(0)
    output = 2 * torch.randn(12, 3, generator=random)
    features = {n: torch.zeros(12, w) for n, w in SIZES.features.items()}
    return toy_bundle(features, output.requires_grad_(), fused=torch.arange(12) != 6)


def test_sure_guesses_are_labels(bundle: FeatureBundle) -> None:
    share, guess = bundle.output.softmax(1).max(1)
    rows = ~LABELLED & (torch.arange(12) != 6) & (share >= 0.7)
    assert 0 < int(rows.sum()) < 7
    loss = PseudoLabel(SIZES, 0.7)
    found = loss(bundle, BATCH)
    wanted = cross_entropy(bundle.output[rows], guess[rows], reduction="sum") / 7
    torch.testing.assert_close(found, wanted)  # the mean over all seven rows without a label
    assert float(loss.parts["share"]) == pytest.approx(int(rows.sum()) / 7)
    assert PseudoLabel(SIZES, 1.0)(bundle, BATCH).item() == 0
    with pytest.raises(UserError, match="a probability"):
        PseudoLabel(SIZES, 2.0)


@pytest.mark.parametrize("kind", ["mse", "soft", "hard"])
def test_the_output_is_pulled_towards_the_teachers_target(kind: str, bundle: FeatureBundle) -> None:
    target = torch.rand(12, 3, generator=torch.Generator().manual_seed(1)).softmax(1)
    rows = torch.arange(12) % 2 == 0
    taught = replace(
        BATCH,
        targets={**BATCH.targets, "teacher": target},
        labelled={**BATCH.labelled, "teacher": rows},
    )
    count = rows & (torch.arange(12) != 6)
    own = bundle.output
    wanted = {
        "mse": ((own.softmax(1) - target) ** 2).mean(1)[count].mean(),
        "soft": -(target * own.log_softmax(1)).sum(1)[count].mean(),
        "hard": cross_entropy(own[count], target.argmax(1)[count]),
    }
    loss = Consistency(SIZES, kind)  # type: ignore[arg-type]
    torch.testing.assert_close(loss(bundle, taught), wanted[kind])
    # Rows of which the teacher is not sure count as 0 in the mean.
    sure = torch.arange(12) < 1
    unsure = replace(taught, labelled={**taught.labelled, "teacher/sure": sure})
    first = {
        "mse": ((own.softmax(1) - target) ** 2).mean(1)[0],
        "soft": -(target * own.log_softmax(1)).sum(1)[0],
        "hard": cross_entropy(own[:1], target.argmax(1)[:1]),
    }
    torch.testing.assert_close(loss(bundle, unsure), first[kind] / count.sum())


def test_batches_of_validation_have_no_teacher(bundle: FeatureBundle) -> None:
    loss = Consistency(SIZES)
    with pytest.raises(UserError, match="add the callback Teacher"):
        loss(bundle, BATCH)
    assert loss.eval()(bundle, BATCH).item() == 0
