"""Each fusion against its formula, written out."""

import itertools
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import one_hot

from emorec.errors import UserError
from emorec.fusion import (
    CommonPrivateFusion,
    ConcatFusion,
    CrossModalAttention,
    FilledFusion,
    GatedFusion,
    JointCrossAttention,
    LateFusion,
    LowRankFusion,
    TensorFusion,
)
from emorec.fusion.late import class_weights
from emorec.types import Sizes

SIZES = Sizes({"audio": 3, "face": 2}, {"emotion": 4})
ALL = {name: torch.ones(5, dtype=torch.bool) for name in SIZES.features}


@pytest.fixture
def features() -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(3)
    return {n: torch.randn(5, w, generator=random) for n, w in SIZES.features.items()}


def part(module: Any, *names: str) -> Any:
    """Return the module under these names; nn.ModuleDict has no types for mypy."""
    for name in names:
        module = module[name]
    return module


def with_one(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([torch.ones(len(x), 1), x], 1)


def test_low_rank_is_the_contraction_with_the_full_tensor(
    features: dict[str, torch.Tensor],
) -> None:
    fusion = LowRankFusion(SIZES, rank=3, width=7)
    a, f = fusion.factors["audio"], fusion.factors["face"]
    full = sum(fusion.weights[r] * torch.einsum("aw,fw->afw", a[r], f[r]) for r in range(3))
    outer = torch.einsum("ba,bf->baf", with_one(features["audio"]), with_one(features["face"]))
    wanted = torch.einsum("baf,afw->bw", outer, full) + fusion.bias
    torch.testing.assert_close(fusion(features, ALL), wanted)


def test_tensor_is_a_layer_on_all_products(features: dict[str, torch.Tensor]) -> None:
    fusion = TensorFusion(SIZES, reduced=2, width=6)
    small = {n: with_one(part(fusion.reduce, n)(features[n]).relu()) for n in SIZES.features}
    products = [
        small["audio"][:, i] * small["face"][:, j] for i, j in itertools.product(range(3), range(3))
    ]
    wanted = fusion.last(torch.stack(products, 1)).relu()
    torch.testing.assert_close(fusion(features, ALL), wanted)
    with pytest.raises(UserError, match="LowRankFusion has no such limit"):
        TensorFusion(Sizes(dict.fromkeys("abcde", 9), {"emotion": 2}), reduced=64)


def test_two_gates_are_z_and_one_minus_z(features: dict[str, torch.Tensor]) -> None:
    fusion = GatedFusion(SIZES, width=4)
    x = torch.cat([features["audio"], features["face"]], 1)
    audio, face = fusion.gates(x).unflatten(1, (2, 4)).unbind(1)
    z = (audio - face).sigmoid()
    hidden = {n: part(fusion.project, n)(features[n]).tanh() for n in SIZES.features}
    torch.testing.assert_close(
        fusion(features, ALL), z * hidden["audio"] + (1 - z) * hidden["face"]
    )


def test_attention_of_one_token_passes_the_other_on(features: dict[str, torch.Tensor]) -> None:
    fusion = CrossModalAttention(SIZES, width=4, heads=1, dropout=0.0).eval()
    attended = {}
    for name, other in (("audio", "face"), ("face", "audio")):
        query, key = (part(fusion.project, n)(features[n]) for n in (name, other))
        attend = part(fusion.attend, name)
        wq, wk, wv = attend.in_proj_weight.chunk(3)
        bq, bk, bv = attend.in_proj_bias.chunk(3)
        q, k, v = query @ wq.T + bq, key @ wk.T + bk, key @ wv.T + bv
        # The added key of zeros has logit 0.
        share = ((q * k).sum(1, keepdim=True) / 2).sigmoid()
        attended[name] = part(fusion.norms, name)(query + attend.out_proj(share * v))
    wanted = fusion.last(torch.cat([attended["audio"], attended["face"]], 1)).relu()
    torch.testing.assert_close(fusion(features, ALL), wanted)


def test_joint_attention_follows_the_public_code() -> None:
    sizes = Sizes({"audio": 6, "face": 5}, {"emotion": 4})
    fusion = JointCrossAttention(sizes, frames=8, reduced=4, attention=3)
    random = torch.Generator().manual_seed(0)
    features = {n: torch.randn(5, 8, w, generator=random) for n, w in sizes.features.items()}
    x = {n: part(fusion.project, n)(features[n]) for n in sizes.features}
    attended = []
    for row in range(5):
        joint = torch.cat([x["audio"][row], x["face"][row]], 1)  # (8, 8)
        parts = []
        for name in ("audio", "face"):
            steps, own = part(fusion.steps, name), x[name][row].T  # (4, 8)
            related = torch.tanh((own @ steps["affine"].weight.T) @ joint / 8**0.5)  # (4, 8)
            hidden = (related @ steps["joint"].weight.T + own @ steps["own"].weight.T).relu()
            parts.append((hidden @ steps["back"].weight.T).T + x[name][row])
        attended.append(torch.cat(parts, 1))
    torch.testing.assert_close(fusion(features, ALL), torch.stack(attended))
    with pytest.raises(UserError, match="has frames: 8, but audio has 1"):
        fusion({n: f[:, 0] for n, f in features.items()}, ALL)


def test_late_fusion_with_equal_weights_is_the_mean_of_posteriors(
    features: dict[str, torch.Tensor],
) -> None:
    fusion = LateFusion(SIZES)
    shares = [part(fusion.heads, n)(features[n]).softmax(1) for n in SIZES.features]
    wanted = torch.stack(shares).mean(0)
    for _ in range(2):
        torch.testing.assert_close(fusion(features, ALL).softmax(1), wanted)
        fusion.eval()
    assert isinstance(fusion.head(4), torch.nn.Identity)
    with pytest.raises(UserError, match="scores 4 classes, but the task predicts 3"):
        fusion.head(3)


def test_class_weights_are_shares_of_recall_precision_or_f1() -> None:
    confusion = torch.tensor([[[6.0, 2.0], [4.0, 4.0]], [[2.0, 6.0], [0.0, 8.0]]])
    recall = torch.tensor([[0.75, 0.5], [0.25, 1.0]])
    precision = torch.tensor([[0.6, 4 / 6], [1.0, 8 / 14]])
    f1 = 2 * recall * precision / (recall + precision)
    for name, score in (("recall", recall), ("precision", precision), ("f1", f1)):
        for q in (1.0, 2.0):
            wanted = score**q / (score**q).sum(0)
            torch.testing.assert_close(class_weights(confusion, name, q), wanted)  # type: ignore[arg-type]
    gated = class_weights(confusion, "recall", gate=True)
    assert gated.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_modality_without_recall_of_a_class_has_no_weight(
    features: dict[str, torch.Tensor],
) -> None:
    fusion = LateFusion(SIZES).eval()
    target = torch.tensor([0, 1, 2, 3, -1])
    # The audio head always predicts class 0, the face head is always right.
    with torch.no_grad():
        part(fusion.heads, "audio").weight.zero_()
        part(fusion.heads, "audio").bias.copy_(torch.tensor([9.0, 0, 0, 0]))
        part(fusion.heads, "face").weight.copy_(torch.eye(4)[:, :2] * 0)
    part(fusion.heads, "face").forward = lambda x: (
        9.0 * one_hot(target.clamp(min=0)[: len(x)], 4).float()
    )
    fusion.observe_validation(features, ALL, target)
    fusion.fit_on_validation()
    assert fusion.weights[:, 0].tolist() == [0.5, 0.5]
    assert fusion.weights[:, 1:].tolist() == [[0.0] * 3, [1.0] * 3]
    before = fusion.weights.clone()
    fusion.fit_on_validation()  # nothing changes without a validation in between
    assert torch.equal(fusion.weights, before)


def test_common_parts_come_first_and_absent_ones_are_zero() -> None:
    sizes = Sizes({"audio": 4, "face": 4}, {"emotion": 3})
    fusion = CommonPrivateFusion(sizes, common=2, width=6)
    face = torch.randn(5, 4)
    absent = {"audio": torch.zeros(5, dtype=torch.bool), "face": ALL["face"]}
    fused = fusion({"audio": torch.ones(5, 4), "face": face}, absent)
    parts = [torch.zeros(5, 2), face[:, :2], torch.zeros(5, 2), face[:, 2:]]
    torch.testing.assert_close(fused, fusion.layer(torch.cat(parts, 1)).relu())
    with pytest.raises(UserError, match=r"got 4 of 4 \(audio\), 4 \(face\)"):
        CommonPrivateFusion(sizes, common=4)


def test_what_fills_is_zero_the_mean_or_learned(features: dict[str, torch.Tensor]) -> None:
    absent = {**ALL, "audio": torch.tensor([True, True, False, False, True])}
    given = {**features, "audio": torch.where(absent["audio"][:, None], features["audio"], 0)}
    for fill in ("zero", "mean", "learned"):
        fusion = FilledFusion(SIZES, lambda s: ConcatFusion(s, width=4), fill)
        fusion(given, absent)
        fusion.eval()
        wanted = torch.zeros(3)
        if fill == "mean":
            wanted = features["audio"][absent["audio"]].mean(0)
        elif fill == "learned":
            wanted = torch.randn(3)
            fusion.learned["audio"].data.copy_(wanted)
        filled = {**given, "audio": torch.where(absent["audio"][:, None], given["audio"], wanted)}
        torch.testing.assert_close(fusion(given, absent), fusion.fusion(filled, ALL))
        assert fusion.head(4).in_features == 4


def test_the_only_present_modality_decides_alone(features: dict[str, torch.Tensor]) -> None:
    fusion = LateFusion(SIZES, gate=True).eval()
    # The face has weight for class 3 only.
    fusion.weights = torch.tensor([[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    absent = {**ALL, "audio": torch.zeros(5, dtype=torch.bool)}
    wanted = part(fusion.heads, "face")(features["face"]).softmax(1)
    torch.testing.assert_close(fusion(features, absent).softmax(1), wanted)


def test_a_filled_fusion_passes_validation_on(features: dict[str, torch.Tensor]) -> None:
    fusion = FilledFusion(SIZES, LateFusion)
    late = fusion.fusion
    assert isinstance(late, LateFusion)
    for name, predicted in (("audio", 1), ("face", 2)):  # whatever the input
        head = part(late.heads, name)
        nn.init.zeros_(head.weight)
        head.bias.data = one_hot(torch.tensor(predicted), 4).float()
    fusion.observe_validation(features, ALL, torch.tensor([0, 1, 2, 3, -1]))
    assert fusion.fit_on_validation()
    wanted = torch.tensor([[0.5, 1.0, 0.0, 0.5], [0.5, 0.0, 1.0, 0.5]])
    torch.testing.assert_close(late.weights, wanted)
