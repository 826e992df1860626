"""The correlation loss: pairs, rows, and messages for wrong options."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import pytest
import torch
from torch import Tensor

from emorec.functional import soft_hgr, soft_hgr_pairs, soft_hgr_stacked
from emorec.objectives import CrossEntropy, SoftHGR
from emorec.objectives.pairs import PairObjective
from emorec.types import FeatureBundle, SegmentBatch, Sizes
from tests.helpers.toy import toy_batch, toy_bundle

DIM = 5
SIZES = Sizes({"audio": DIM, "face": DIM, "fused": DIM, "label": DIM}, {"emotion": 3})
FEATURES = {
    name: torch.randn(12, DIM, generator=torch.Generator().manual_seed(i))
    for i, name in enumerate(SIZES.features)
}
BATCH = toy_batch(12)
FORMS: dict[str, Callable[..., Any]] = {"pairs": soft_hgr_pairs, "stacked": soft_hgr_stacked}


def bundle(**present: Tensor) -> FeatureBundle:
    features = {name: value.clone().requires_grad_() for name, value in FEATURES.items()}
    return toy_bundle(features, torch.zeros(12, 3, requires_grad=True), **present)


def with_labels(labelled: Tensor) -> SegmentBatch:
    return replace(BATCH, labelled={"emotion": labelled})


def score(a: str, b: str, rows: Tensor | None = None) -> float:
    return soft_hgr(FEATURES[a], FEATURES[b], rows).item()


def test_T6_without_labels_only_the_pair_of_modalities_counts() -> None:
    nothing = torch.zeros(12, dtype=torch.bool)
    batch, made = with_labels(nothing), bundle(label=nothing)
    everything = SoftHGR(SIZES)(made, batch)
    modalities_only = SoftHGR(SIZES, pairs=["audio+face"])(bundle(), batch)
    assert everything.item() == pytest.approx(modalities_only.item(), rel=1e-6)
    assert everything.item() != 0
    everything.backward()
    of_label, of_audio = made.features["label"].grad, made.features["audio"].grad
    assert of_label is not None
    assert of_audio is not None
    assert not of_label.any()
    assert of_audio.any()
    assert torch.isfinite(of_audio).all()


def test_T6_without_labels_the_class_loss_is_zero_with_a_zero_gradient() -> None:
    nothing = torch.zeros(12, dtype=torch.bool)
    made = bundle()
    loss = CrossEntropy(SIZES)(made, with_labels(nothing))
    assert loss.item() == 0
    loss.backward()
    gradient = made.output.grad
    assert gradient is not None
    assert torch.equal(gradient, torch.zeros(12, 3))


def test_by_default_all_pairs_of_modalities_and_label_are_added() -> None:
    expected = score("audio", "face") + score("audio", "label") + score("face", "label")
    loss = SoftHGR(SIZES)
    assert loss.pairs == [("audio", "face"), ("audio", "label"), ("face", "label")]
    assert loss(bundle(), BATCH).item() == pytest.approx(-expected, rel=1e-5)


def test_without_a_label_encoder_the_default_is_the_modalities_alone() -> None:
    sizes = Sizes({"audio": DIM, "face": DIM, "fused": 9}, {"emotion": 3})
    assert SoftHGR(sizes).pairs == [("audio", "face")]


@pytest.mark.parametrize("pairs", [["audio+face"], ["face+label", "audio+label"], ["fused+label"]])
def test_selected_pairs(pairs: list[str]) -> None:
    expected = 0.0
    for pair in pairs:
        a, b = pair.split("+")
        expected += score(a, b)
    assert SoftHGR(SIZES, pairs=pairs)(bundle(), BATCH).item() == pytest.approx(-expected)


def test_each_pair_counts_the_rows_where_both_of_its_features_are() -> None:
    audio = torch.arange(12) < 10
    face = torch.arange(12) > 1
    label = torch.arange(12) % 2 == 0
    loss = SoftHGR(SIZES)(bundle(audio=audio, face=face, label=label), BATCH)
    expected = (
        score("audio", "face", audio & face)
        + score("audio", "label", audio & label)
        + score("face", "label", face & label)
    )
    assert loss.item() == pytest.approx(-expected, rel=1e-5)


def test_one_labelled_row_is_too_few_for_the_pairs_with_the_label() -> None:
    loss = SoftHGR(SIZES)(bundle(label=torch.arange(12) == 3), BATCH)
    assert loss.item() == pytest.approx(-score("audio", "face"), rel=1e-6)


@pytest.mark.parametrize("scale", ["none", "calibrated"])
def test_pairs_of_the_same_rows_are_computed_together_to_the_same_loss(
    scale: Literal["none", "calibrated"], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = torch.arange(12) < 9
    everything, some = torch.ones(12, dtype=torch.bool), torch.arange(12) > 0
    alone, once = ["stacked"] * 3, ["stacked"]
    for face, stack, forms in (
        (rows, False, ["pairs"]),
        (rows & some, False, alone),
        (everything, False, alone),
        (rows & some, True, once),
        (everything, True, once),
    ):
        made, other_made = (bundle(audio=rows, face=face, label=rows) for _ in range(2))
        counted: list[str] = []

        def count(name: str, *args: Any, seen: list[str] = counted, **more: Any) -> Any:
            seen.append(name)
            return FORMS[name](*args, **more)

        with monkeypatch.context() as patch:
            for name in ("pairs", "stacked"):
                patch.setattr(f"emorec.objectives.hgr.soft_hgr_{name}", partial(count, name))
            patch.setattr(SoftHGR, "_worth_stacking", lambda *_, stack=stack: stack)
            loss = SoftHGR(SIZES, scale=scale)
            total = loss(made, BATCH)
        assert counted == forms
        other = SoftHGR(SIZES, scale=scale)
        expected = PairObjective.total(other, other_made, BATCH)
        assert total.item() == pytest.approx(expected.item(), rel=1e-5)
        assert loss.parts.keys() == other.parts.keys()
        for name, part in loss.parts.items():
            assert part.item() == pytest.approx(other.parts[name].item(), rel=1e-4, abs=1e-6)
        (total + expected).backward()
        for name in ("audio", "face", "label"):
            torch.testing.assert_close(made.features[name].grad, other_made.features[name].grad)


def test_the_divisor_is_an_option() -> None:
    made = bundle()
    with_n = SoftHGR(SIZES, pairs=["audio+face"], unbiased=False)(made, BATCH).item()
    expected = soft_hgr(FEATURES["audio"], FEATURES["face"], unbiased=False).item()
    assert with_n == pytest.approx(-expected)
    assert with_n != pytest.approx(-score("audio", "face"))


def test_parts_hold_both_terms_of_each_pair_without_a_gradient() -> None:
    loss = SoftHGR(SIZES, pairs=["audio+face", "fused+label"])
    loss(bundle(), BATCH)
    assert len(loss.parts) == 6
    terms = soft_hgr_pairs([FEATURES["fused"], FEATURES["label"]])
    for name, term in zip(("S", "inner", "trace"), terms, strict=True):
        part = loss.parts[f"fused+label/{name}"]
        assert part.item() == pytest.approx(term.item(), rel=1e-5)
        assert not part.requires_grad


def test_gradients_reach_both_features_of_a_pair() -> None:
    made = bundle()
    SoftHGR(SIZES)(made, BATCH).backward()
    for name in ("audio", "face", "label"):
        gradient = made.features[name].grad
        assert gradient is not None
        assert gradient.any()
    assert made.features["fused"].grad is None


@pytest.mark.parametrize(
    "pair", ["audio", "audio+", "audio+voice", "audio+audio", "audio face", "audio+face+label"]
)
def test_a_wrong_pair_is_refused_with_the_known_names(pair: str) -> None:
    with pytest.raises(ValueError, match=r"two different .*audio, face, fused, label") as caught:
        SoftHGR(SIZES, pairs=[pair])
    assert repr(pair) in str(caught.value)


def test_unequal_widths_are_refused_with_both_widths() -> None:
    sizes = Sizes({"audio": 4, "face": 7, "fused": 4}, {"emotion": 3})
    with pytest.raises(ValueError, match="audio has 4 and face 7"):
        SoftHGR(sizes)
    assert SoftHGR(sizes, pairs=["audio+fused"]).pairs == [("audio", "fused")]


def test_pairs_of_different_widths_are_computed_one_by_one() -> None:
    sizes = Sizes({"audio": DIM, "face": DIM, "fused": 3, "label": 3}, {"emotion": 3})
    features = {name: FEATURES[name][:, : sizes.features[name]] for name in FEATURES}
    made = toy_bundle(features, torch.zeros(12, 3))
    loss = SoftHGR(sizes, pairs=["audio+face", "fused+label"])(made, BATCH)
    expected = score("audio", "face") + soft_hgr(features["fused"], features["label"]).item()
    assert loss.item() == pytest.approx(-expected, rel=1e-5)


@pytest.mark.parametrize("stack", [False, True])
@pytest.mark.parametrize("some", [False, True])
def test_each_feature_set_is_prepared_once(
    stack: bool, some: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[str] = []

    def note(self: SoftHGR, name: str, features: Tensor, rows: Tensor) -> Tensor:
        prepared.append(name)
        return features

    monkeypatch.setattr(SoftHGR, "prepare", note)
    monkeypatch.setattr(SoftHGR, "_worth_stacking", lambda *_: stack)
    rows = torch.arange(12) > 0 if some else torch.ones(12, dtype=torch.bool)
    SoftHGR(SIZES)(bundle(face=rows), BATCH)
    assert sorted(prepared) == ["audio", "face", "label"]
