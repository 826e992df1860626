"""The shared types."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from emorec.system.findings import Finding, FindingKind
from emorec.types import Clip, Window
from tests.helpers.toy import tensors, toy_batch


def test_the_middle_of_a_window_is_its_key_frames_time() -> None:
    assert Window(1.5, 2.0).middle == 1.75


def test_a_clip_is_unlabelled_and_without_a_group_by_default() -> None:
    clip = Clip("a", Path("a.mp4"))
    assert (dict(clip.labels), clip.group, clip.split, dict(clip.sidecars)) == ({}, "", None, {})
    with pytest.raises(AttributeError):
        clip.id = "b"  # type: ignore[misc]


def test_the_length_of_a_batch_is_its_number_of_segments() -> None:
    assert len(toy_batch(5)) == 5


def test_rows_of_a_batch_are_rows_of_all_its_tensors() -> None:
    batch = toy_batch(6, face=[True, False] * 3)
    part = batch.rows(slice(1, 4))
    assert len(part) == 3
    for some, everything in zip(tensors(part), tensors(batch), strict=True):
        assert torch.equal(some, everything[1:4])
    assert len(tensors(part)) == 8


def test_moving_a_batch_moves_all_its_tensors_and_leaves_it_alone() -> None:
    batch = toy_batch(4)
    moved = batch.to("meta")
    assert {value.device.type for value in tensors(moved)} == {"meta"}
    assert {value.device.type for value in tensors(batch)} == {"cpu"}
    assert [v.dtype for v in tensors(moved)] == [v.dtype for v in tensors(batch)]


@pytest.mark.parametrize("kind", FindingKind)
def test_a_finding_survives_json_and_each_kind_is_documented(kind: FindingKind) -> None:
    for finding in (Finding(kind), Finding(kind, "ü", 0, 3, "ä")):
        back = Finding.from_dict(json.loads(json.dumps(asdict(finding))))
        assert back == finding
        assert back.kind is kind
    assert f"        {kind.name}: " in (FindingKind.__doc__ or "")


def test_a_kind_that_is_unknown_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody knows"):
        Finding.from_dict({"kind": "nobody knows"})
