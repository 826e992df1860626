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


def test_the_configs_of_the_study_share_what_they_say(tmp_path: Path) -> None:
    sets = {
        name: configured(f"synthetic_{name}", tmp_path)
        for name in ("shared", "control", "identity")
    }
    usual = configured("synthetic", tmp_path)
    for data in sets.values():
        assert [clip.id for clip in data.clips()] == [
            plan.id for plan in usual.plans
        ]  # as many people and takes
        # Else lips and codecs would be shared in each of them.
        assert {(plan.lip_sync, plan.container) for plan in data.plans} == {(False, "mp4")}
    faces, voices = levels(sets["shared"])
    assert (faces == voices).all()
    own_faces, own_voices = levels(sets["control"])
    assert abs(np.corrcoef(own_faces, own_voices)[0, 1]) < 0.13  # 240 clips: 2 standard errors
    # At identity 0 nobody's face and voice differ, and the faces are identical.
    assert (own_faces == faces).all()
    assert {p.identity for n in ("shared", "control") for p in sets[n].plans} == {0.0}
    assert {plan.identity for plan in sets["identity"].plans} == {2.0}
    assert levels(sets["identity"]).mean() < faces.mean() - 0.05  # emotions show less
