"""The shared nouns."""

from pathlib import Path

import pytest
import torch

from emorec.types import Clip, Window
from tests.helpers.toy import tensors, toy_batch


def test_the_middle_of_a_window_is_its_key_frames_time() -> None:
    assert Window(1.5, 2.0).middle == 1.75


def test_a_clip_is_unlabelled_and_without_a_group_unless_it_is_said() -> None:
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
