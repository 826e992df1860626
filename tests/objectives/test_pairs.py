"""Losses on pairs of features in the model: options of soft-HGR, and what it is compared with."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from emorec.errors import UserError
from emorec.functional import barlow_twins, deep_cca, info_nce, soft_hgr, vicreg
from emorec.objectives import (
    BarlowTwins,
    DeepCCA,
    InfoNCE,
    PairObjective,
    SoftHGR,
    VICReg,
)
from emorec.types import FeatureBundle, Sizes
from tests.helpers.toy import toy_batch, toy_bundle

DIM = 5
SIZES = Sizes({"audio": DIM, "face": DIM, "fused": DIM, "label": DIM}, {"emotion": 3})
FEATURES = {
    name: 3 * torch.randn(12, DIM, generator=torch.Generator().manual_seed(i)) + 1
    for i, name in enumerate(SIZES.features)
}
BATCH = toy_batch(12)
FIRST = torch.arange(12) < 8


def bundle(**present: Tensor) -> FeatureBundle:
    features = {name: value.clone().requires_grad_() for name, value in FEATURES.items()}
    return toy_bundle(features, torch.zeros(12, 3, requires_grad=True), **present)


AUDIO, FACE = FEATURES["audio"], FEATURES["face"]
PAIR = ["audio+face"]
CASES: dict[str, tuple[PairObjective, Tensor]] = {
    "DeepCCA": (DeepCCA(SIZES, PAIR, ridge=0.1), -deep_cca(AUDIO, FACE, FIRST, ridge=0.1)),
    "BarlowTwins": (
        BarlowTwins(SIZES, PAIR, off_diagonal=0.5),
        barlow_twins(AUDIO, FACE, FIRST, off_diagonal=0.5),
    ),
    "VICReg": (VICReg(SIZES, PAIR, variance=3), vicreg(AUDIO, FACE, FIRST, variance=3)),
    "InfoNCE": (InfoNCE(SIZES, PAIR, temperature=2), info_nce(AUDIO, FACE, FIRST, temperature=2)),
}


@pytest.mark.parametrize(("objective", "expected"), CASES.values(), ids=CASES)
def test_an_alternative_is_its_function_over_the_rows_of_the_pair(
    objective: PairObjective, expected: Tensor
) -> None:
    made = bundle(audio=FIRST)
    loss = objective(made, BATCH)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    assert len(objective.parts) == 1
    loss.backward()
    gradient = made.features["face"].grad
    assert gradient is not None
    assert gradient[:8].any()
    assert not gradient[8:].any()


def test_only_deep_cca_compares_features_of_different_widths() -> None:
    sizes = Sizes({"audio": 4, "face": 7}, {"emotion": 3})
    assert DeepCCA(sizes).pairs == [("audio", "face")]
    for other in (SoftHGR, BarlowTwins, VICReg, InfoNCE):
        with pytest.raises(ValueError, match="audio has 4 and face 7"):
            other(sizes)


def test_a_calibrated_scale_gives_each_feature_set_a_total_variance_of_one() -> None:
    objective = SoftHGR(SIZES, scale="calibrated")
    objective(bundle(), BATCH)
    factors = {name: objective.get_buffer(f"scales.{name}.factor") for name in objective.names}
    assert set(factors) == {"audio", "face", "label"}
    for name, factor in factors.items():
        assert (factor * FEATURES[name]).var(0).sum().item() == pytest.approx(1, rel=1e-5)
    f, g = (factors[name] * FEATURES[name] for name in ("audio", "face"))
    assert objective.parts["audio+face/S"].item() == pytest.approx(soft_hgr(f, g).item(), abs=1e-6)
    before = {name: value.clone() for name, value in objective.state_dict().items()}
    objective(bundle(audio=FIRST), BATCH)  # the first batch decides
    for name, value in objective.state_dict().items():
        assert torch.equal(value, before[name])
    assert list(objective.parameters()) == []


def test_the_scale_is_measured_on_valid_rows_of_a_training_batch_only() -> None:
    # In eval mode, as in a stage that does not train the objectives.
    objective = SoftHGR(SIZES, PAIR, scale="calibrated").eval()
    with torch.no_grad():
        objective(bundle(), BATCH)  # a validation batch
    assert not objective.get_buffer("scales.audio.known")
    objective(bundle(audio=torch.arange(12) < 1), BATCH)  # one row has no variance
    assert not objective.get_buffer("scales.audio.known")
    assert objective.get_buffer("scales.face.known")
    objective(bundle(audio=FIRST), BATCH)
    factor = objective.get_buffer("scales.audio.factor")
    assert (factor * AUDIO[FIRST]).var(0).sum().item() == pytest.approx(1, rel=1e-5)


def test_a_learned_scale_gets_a_gradient() -> None:
    objective = SoftHGR(SIZES, ["audio+face"], scale="learned")
    objective(bundle(), BATCH).backward()
    for name in ("audio", "face"):
        gradient = objective.get_parameter(f"scales.{name}.log_change").grad
        assert gradient is not None
        assert gradient != 0


def test_a_projection_is_compared_in_place_of_the_features() -> None:
    sizes = Sizes({"audio": 4, "face": DIM}, {"emotion": 3})
    objective = SoftHGR(sizes, projection=3)
    features = {"audio": FEATURES["audio"][:, :4], "face": FEATURES["face"]}
    made = toy_bundle(features, torch.zeros(12, 3))
    f, g = (objective.projections[name](features[name]) for name in ("audio", "face"))
    assert f.shape == (12, 3)
    assert objective(made, BATCH).item() == pytest.approx(-soft_hgr(f, g).item(), rel=1e-5)


def test_the_papers_form_owns_no_layers() -> None:
    assert list(SoftHGR(SIZES).state_dict()) == []


@pytest.mark.parametrize("kind", [SoftHGR, DeepCCA, BarlowTwins, VICReg, InfoNCE])
def test_unlabelled_rows_count_by_their_share(kind: type[PairObjective]) -> None:
    labelled = {"emotion": torch.arange(12) % 4 == 0}
    batch = replace(BATCH, labelled=labelled)
    every, chosen = kind(SIZES, PAIR), kind(SIZES, PAIR, rows="unlabelled")
    made = bundle(audio=FIRST)
    few = bundle(audio=FIRST & ~labelled["emotion"])
    loss = chosen(made, batch)
    # The face is in all 12 rows, of which 9 are unlabelled.
    assert loss.item() == pytest.approx(every(few, batch).item() * 9 / 12, rel=1e-6)
    loss.backward()
    gradient = made.features["face"].grad
    assert gradient is not None
    assert not gradient[labelled["emotion"]].any()
    known = replace(BATCH, labelled={"emotion": torch.ones(12, dtype=torch.bool)})
    assert chosen(bundle(), known).item() == 0
    with torch.no_grad():  # in validation, whose rows are labelled, it is a measure
        assert chosen(made, batch).item() == pytest.approx(every(made, batch).item(), rel=1e-6)


def test_pairs_with_the_label_have_no_unlabelled_rows() -> None:
    with pytest.raises(UserError, match="rows: unlabelled leaves nothing to a pair with the label"):
        SoftHGR(SIZES, ["audio+face", "audio+label"], rows="unlabelled")
