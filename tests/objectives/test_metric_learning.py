"""Which rows the losses on distances count, and the common and private parts."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import one_hot

from emorec.errors import UserError
from emorec.functional import adaptive_triplet, soft_hgr, supervised_contrastive
from emorec.objectives import AdaptiveTriplet, CommonPrivate, SupervisedContrastive
from emorec.types import FeatureBundle, Sizes
from tests.helpers.toy import toy_batch, toy_bundle

SIZES = Sizes({"audio": 6, "face": 6, "fused": 6}, {"emotion": 3})
BATCH = toy_batch(12)
TARGET, ROWS = BATCH.targets["emotion"], BATCH.labelled["emotion"]


@pytest.fixture
def bundle() -> FeatureBundle:
    random = torch.Generator().manual_seed(0)
    features = {n: torch.randn(12, w, generator=random) for n, w in SIZES.features.items()}
    return toy_bundle(features, torch.zeros(12, 3), audio=torch.arange(12) % 5 != 0)


def test_labelled_rows_with_the_feature_count(bundle: FeatureBundle) -> None:
    f, present = bundle.features["audio"], bundle.present["audio"]
    contrast = SupervisedContrastive(SIZES, "audio", temperature=0.3)
    wanted = supervised_contrastive(f, TARGET, ROWS & present, temperature=0.3)
    torch.testing.assert_close(contrast(bundle, BATCH), wanted)
    triplet = AdaptiveTriplet(SIZES, "audio", clamp=True)
    wanted = adaptive_triplet(f, TARGET, ROWS & present, clamp=True)
    torch.testing.assert_close(triplet(bundle, BATCH), wanted)
    with pytest.raises(UserError, match="no feature 'voice'"):
        AdaptiveTriplet(SIZES, "voice")


def test_rows_of_mixed_labels_do_not_count(bundle: FeatureBundle) -> None:
    shares = one_hot(TARGET, 3).float()
    shares[::2] = torch.tensor([0.5, 0.5, 0.0])
    mixed = replace(BATCH, targets={"emotion": shares})
    whole = torch.arange(12) % 2 == 1
    wanted = supervised_contrastive(bundle.features["fused"], TARGET, ROWS & whole)
    torch.testing.assert_close(SupervisedContrastive(SIZES)(bundle, mixed), wanted)


def test_common_parts_correlate_and_private_parts_do_not_repeat_them(bundle: FeatureBundle) -> None:
    f = {n: bundle.features[n] for n in ("audio", "face")}
    present = {n: bundle.present[n] for n in f}
    loss = CommonPrivate(SIZES, common=2, decorrelation=0.7)
    wanted = -soft_hgr(f["audio"][:, :2], f["face"][:, :2], present["audio"] & present["face"])
    for name in f:
        rows = f[name][present[name]]
        covariance = torch.cov(rows.T)[:2, 2:]
        wanted = wanted + 0.7 * covariance.square().sum()
    torch.testing.assert_close(loss(bundle, BATCH), wanted)
    assert set(loss.parts) == {"audio+face", "audio/repeated", "face/repeated"}
    with pytest.raises(UserError, match=r"got 6 of 6 \(audio\), 6 \(face\)"):
        CommonPrivate(SIZES, common=6)
