"""The decoder of the 3-D auto-encoder, and which clips count."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy

from emorec.encoders import S3DAE, VectorEncoder
from emorec.errors import UserError
from emorec.fusion import ConcatFusion
from emorec.model import EmotionModel
from emorec.objectives import AuxiliaryCrossEntropy, ClipReconstruction, CrossEntropy
from emorec.types import Classes, FeatureBundle, SegmentBatch, Sizes

FRAMES, SIZE, WIDTH = 8, 16, 1 / 16
SIZES = Sizes({"face": 16, "face-map": 8 * 1 * 2 * 2, "fused": 16}, {"emotion": 3})


def made() -> EmotionModel:
    torch.manual_seed(0)
    return EmotionModel(
        {"face": S3DAE(FRAMES, SIZE, WIDTH)},
        lambda sizes: ConcatFusion(sizes, widths=[]),
        {
            "category": CrossEntropy,
            "rebuild": lambda sizes: ClipReconstruction(sizes, "face", FRAMES, SIZE, WIDTH),
        },
        {"emotion": Classes(["a", "b", "c"])},
    )


def batch(labelled: list[bool], present: list[bool] | None = None) -> SegmentBatch:
    count = len(labelled)
    pixels = torch.randint(0, 256, (count, FRAMES, 1, SIZE, SIZE), dtype=torch.uint8)
    rows = torch.tensor(present if present is not None else [True] * count)
    return SegmentBatch(
        {"face": pixels * rows.view(-1, 1, 1, 1, 1)},
        {"face": rows},
        {"emotion": torch.arange(count) % 3},
        {"emotion": torch.tensor(labelled)},
        torch.arange(count),
        torch.zeros(count, dtype=torch.int64),
    )


def losses(model: EmotionModel, given: SegmentBatch) -> tuple[Tensor, Tensor, FeatureBundle]:
    model.standardise["face"].set(torch.zeros(1, 1, 1, 1), torch.full((1, 1, 1, 1), 255.0))  # type: ignore[operator]
    bundle = model(given)
    return (
        model.objective("rebuild")(bundle, given),
        model.objective("category")(bundle, given),
        bundle,
    )


def test_with_all_clips_labelled_it_is_the_loss_of_the_public_code() -> None:
    model = made()
    given = batch([True] * 4)
    rebuilt, category, bundle = losses(model, given)
    objective = model.objective("rebuild")
    assert isinstance(objective, ClipReconstruction)
    pixels = given.inputs["face"] / 255
    made_of_it = objective.decode(bundle.features["face-map"]).sigmoid()
    torch.testing.assert_close(rebuilt, binary_cross_entropy(made_of_it, pixels))
    assert objective.weight == 0.7
    assert category > 0


def test_unlabelled_clips_count_in_the_reconstruction_alone() -> None:
    model = made().eval()
    given = batch([True, True, False, False])
    rebuilt, category, _ = losses(model, given)
    first, _, _ = losses(model, given.rows(slice(0, 2)))
    second, nothing, _ = losses(model, given.rows(slice(2, 4)))
    torch.testing.assert_close(rebuilt, (first + second) / 2)
    assert nothing == 0
    assert category > 0


def test_clips_without_a_face_count_nowhere() -> None:
    model = made()
    given = batch([True] * 4, [True, False, True, True])
    rebuilt, _, _ = losses(model, given)
    whole, _, _ = losses(made(), given.of(torch.tensor([0, 2, 3])))
    torch.testing.assert_close(rebuilt, whole)
    nothing, _, _ = losses(model, batch([True] * 2, [False, False]))
    nothing.backward()  # type: ignore[no-untyped-call]
    assert nothing == 0
    assert all(b.isfinite().all() for b in model.buffers())


def test_the_sides_reach_objectives_and_not_the_fusion() -> None:
    model = made()
    assert model.fusion.dim == 16
    bundle = model(batch([True] * 2))
    assert bundle.features["face-map"].shape == (2, 32)
    assert bundle.features["face"].shape == bundle.features["fused"].shape == (2, 16)
    assert bundle.present["face-map"].tolist() == [True, True]


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UserError, match="a map of 128 values, got 32"):
        ClipReconstruction(SIZES, "face", 8, 32, WIDTH)
    with pytest.raises(UserError, match="of 'voice' needs the encoder S3DAE"):
        ClipReconstruction(SIZES, "voice")


def test_sides_stay_where_another_modality_is_taken_away() -> None:
    torch.manual_seed(0)
    model = EmotionModel(
        {"face": S3DAE(FRAMES, SIZE, WIDTH), "voice": VectorEncoder(4, dim=3)},
        lambda sizes: ConcatFusion(sizes, width=5),
        {"category": CrossEntropy, "first": lambda s: AuxiliaryCrossEntropy(s, "face-map")},
        {"emotion": Classes(["a", "b", "c"])},
    ).eval()
    given = batch([True] * 3)
    given.inputs["voice"], given.present["voice"] = torch.randn(3, 4), given.present["face"]
    bundle = model(given)
    lost = torch.tensor([True, False, False])
    left = model.without(bundle, {"face": lost})
    assert left.features["face-map"][0].abs().sum() == 0
    assert torch.equal(left.features["face-map"][1:], bundle.features["face-map"][1:])
    assert left.present["face-map"].tolist() == [False, True, True]
    assert set(model.scores(left)) == {"fused", "face-map"}
