"""The generated set as data: options reach the plans, and what its configs' modalities share."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from emorec.data import Synthetic
from emorec.extractors import LogMel
from tests.conftest import ROOT

KNOBS = {
    "intensity": (0.2, 0.8),
    "shared_intensity": False,
    "identity": 1.5,
    "lip_sync": False,
    "avi_share": 0.5,
}


def synthetic(tmp_path: Path, **options: Any) -> Synthetic:
    return Synthetic({"audio": LogMel()}, root=tmp_path, cache=tmp_path, **options)


def configured(name: str, tmp_path: Path) -> Synthetic:
    """Return the set of configs/data/<name>.yaml, without its extractors and windows."""
    tree = yaml.safe_load((ROOT / f"configs/data/{name}.yaml").read_text())["init_args"]
    for key in ("root", "extractors", "windows"):
        del tree[key]
    return synthetic(tmp_path, **tree)


def levels(data: Synthetic) -> np.ndarray:
    """Return the intensities of faces and voices, float64 (2, clips)."""
    return np.array([(plan.face_intensity, plan.voice_intensity) for plan in data.plans]).T


@pytest.mark.parametrize(
    ("options", "digest"), [({}, "d9ac0d3a"), ({"subjects": 3, "takes": 1}, "e46d12b5")]
)
def test_sets_of_the_defaults_keep_their_folders(
    options: dict[str, Any], digest: str, tmp_path: Path
) -> None:
    data = synthetic(tmp_path, **options)
    assert data.set_name == f"synthetic-{digest}"
    assert data.root == tmp_path / f"clips-{digest}"


@pytest.mark.parametrize("name", KNOBS)
def test_each_option_names_another_set(name: str, tmp_path: Path) -> None:
    usual = synthetic(tmp_path, intensity=(0.1, 1.0))
    changed = synthetic(tmp_path, **{"intensity": (0.1, 1.0), name: KNOBS[name]})
    assert changed.set_name != usual.set_name
    assert [clip.id for clip in changed.clips()] == [clip.id for clip in usual.clips()]


def test_options_reach_the_plans(tmp_path: Path) -> None:
    data = synthetic(tmp_path, **KNOBS)
    faces, voices = levels(data)
    assert 0.2 <= min(faces.min(), voices.min()) < max(faces.max(), voices.max()) <= 0.8
    assert (faces != voices).all()
    assert {(plan.identity, plan.lip_sync) for plan in data.plans} == {(1.5, False)}


def test_the_config_of_shared_emotion_shares_it_alone(tmp_path: Path) -> None:
    shared, usual = configured("synthetic_shared", tmp_path), configured("synthetic", tmp_path)
    # As many people and takes.
    assert [clip.id for clip in shared.clips()] == [plan.id for plan in usual.plans]
    # Else lips and codecs would be shared too.
    assert {(plan.lip_sync, plan.container) for plan in shared.plans} == {(False, "mp4")}
    faces, voices = levels(shared)
    assert (faces == voices).all()
    assert len(set(faces)) > 100  # from clip to clip it differs
    # At identity 0 nobody's face and voice differ.
    assert {plan.identity for plan in shared.plans} == {0.0}
