"""Warnings where a loss on pairs of features cannot work, and none where it can."""

import shutil
import warnings
from functools import partial
from pathlib import Path

import pytest
import torch

from emorec.callbacks import CommonInformation, Stage
from emorec.callbacks.common_information import common
from emorec.functional import hgr_spectrum
from emorec.objectives import CrossEntropy, InfoNCE, SoftHGR
from tests.helpers.staging import train
from tests.helpers.toy import DIM, ToyData, toy_task

JOINT = {"joint": Stage(3, monitor="val/fused/accuracy")}


def said(tmp_path: Path, caplog: pytest.LogCaptureFixture, data: ToyData, **options: object) -> str:
    """Train, and return what was said about pairs."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train(tmp_path, JOINT, CommonInformation(), task=toy_task(**options), data=data)  # type: ignore[arg-type]
    words = [str(each.message) for each in caught] + caplog.messages
    return "\n".join(line for line in words if "stage joint" in line and "epochs" not in line)


def test_pairs_that_share_the_class_are_reported_without_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = said(tmp_path, caplog, ToyData(tmp_path, clips=250, batch_size=2 * DIM))
    assert "audio+face share S" in found
    assert "nothing that can be measured" not in found
    assert "with fewer rows than features" not in found


def test_more_features_than_rows_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = ToyData(tmp_path, clips=60, batch_size=DIM - 1)
    found = said(tmp_path, caplog, data)
    assert f"soft-HGR of {DIM} features in batches of {DIM - 1} rows" in found
    few = {"class": CrossEntropy, "corr": partial(SoftHGR, projection=2, weight=0.1)}
    assert "with fewer rows than features" not in said(tmp_path / "b", caplog, data, objectives=few)


def test_pairs_that_share_nothing_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = ToyData(tmp_path, clips=250)
    data.prepare_data()
    cache, ids = data.source().cache(), [clip.id for clip in data.clips()]
    random = torch.Generator().manual_seed(0)
    for name in ids:
        entry = cache.read(name)
        assert entry is not None
        noise = {
            key: torch.randn(cache.array(name, key).shape, generator=random).numpy()
            for key in ("audio", "face")
        }
        shutil.rmtree(cache.entry_folder(name))  # an entry of the same files would stay
        cache.write(entry, noise)
    objectives = {"class": CrossEntropy, "corr": partial(InfoNCE, pairs=["audio+face"])}
    fresh = ToyData(tmp_path, clips=250)
    fresh.prepare_data = lambda: None  # type: ignore[method-assign]
    found = said(tmp_path, caplog, fresh, objectives=objectives)
    assert "audio+face share nothing that can be measured" in found
    assert "use fewer features" in found


def test_constant_features_are_warned_of() -> None:
    callback = CommonInformation()
    callback.stage = "joint"
    f = torch.randn(80, 4)
    with pytest.warns(UserWarning, match="features of face are the same for all validation clips"):
        callback._judge("audio+face", f, torch.full((80, 4), 0.3))


def test_s_is_half_the_squared_correlations_and_exchanged_rows_are_below_it() -> None:
    torch.manual_seed(0)
    shared = torch.randn(400, 3)
    f = torch.cat([shared, torch.randn(400, 5)], 1)
    g = torch.cat([shared + 0.5 * torch.randn(400, 3), torch.randn(400, 2)], 1)
    s, null = common(f, g, 8, 50)
    assert s == pytest.approx(float(hgr_spectrum(f, g).square().sum()) / 2, rel=1e-5)
    assert s > null.max()
    # By chance k m / 2 (n - 1) on average.
    assert float(null.mean()) == pytest.approx(8 * 5 / 2 / 399, rel=0.15)
