"""Segments of a cache as batches."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from emorec.cache import Entry, SegmentCache
from emorec.data import SegmentDataset
from emorec.data.sampler import FILLER
from emorec.types import Classes, Clip, SegmentBatch
from tests.helpers.toy import tensors

CLIPS = [
    Clip("a", Path("a.mp4"), {"emotion": 2}),
    Clip("b", Path("b.mp4")),
    Clip("unused", Path("c.mp4"), {"emotion": 1}),
    Clip("d", Path("d.mp4"), {"emotion": 0, "affect": (0.5, -1.0)}),
]
PRESENT = {
    "a": {"audio": [True, True, False], "face": [False, True, False]},
    "b": {"audio": [True, True, True], "face": [True, True, False]},
    "d": {"audio": [False, False, True], "face": [False, False, True]},
}
SHAPES = {"audio": (3, 5), "face": (4, 4, 3)}

TARGETS = {"emotion": Classes(["anger", "calm", "joy"])}


@pytest.fixture
def cache(tmp_path: Path) -> SegmentCache:
    cache = SegmentCache(tmp_path / "cache")
    random = np.random.default_rng(0)
    for clip_id, present in PRESENT.items():
        audio = random.normal(size=(3, *SHAPES["audio"])).astype(np.float16)
        face = random.integers(0, 255, (3, *SHAPES["face"])).astype(np.uint8)
        entry = Entry(clip_id, f"{clip_id}.mp4", "ok", present=present)
        cache.write(entry, {"audio": audio, "face": face})
    return cache


def dataset(cache: SegmentCache, modalities: tuple[str, ...] = ("face", "audio")) -> SegmentDataset:
    entries = {name: cache.read(name) for name in PRESENT}
    known = {name: entry for name, entry in entries.items() if entry is not None}
    return SegmentDataset(cache, CLIPS, known, [0, 1, 3], modalities, TARGETS)


def keys(batch: SegmentBatch) -> list[tuple[int, int]]:
    return list(zip(batch.clip.tolist(), batch.index.tolist(), strict=True))


def test_windows_without_any_modality_are_left_out(cache: SegmentCache) -> None:
    data = dataset(cache)
    assert len(data) == 6
    assert keys(data.__getitems__(range(6))) == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (3, 2)]
    assert keys(dataset(cache, ("face",)).__getitems__(range(4))) == [
        (0, 1),
        (1, 0),
        (1, 1),
        (3, 2),
    ]


def test_a_batch_holds_the_arrays_of_its_windows(cache: SegmentCache) -> None:
    data = dataset(cache)
    order = [5, 0, 3, 3]
    batch = data.__getitems__(order)
    assert batch.inputs["audio"].dtype == torch.float16
    assert batch.inputs["face"].dtype == torch.uint8
    for row, (clip, window) in enumerate(keys(batch)):
        for name in SHAPES:
            expected = cache.array(CLIPS[clip].id, name)[window]
            assert np.array_equal(batch.inputs[name][row].numpy(), expected)
            assert bool(batch.present[name][row]) == PRESENT[CLIPS[clip].id][name][window]


def test_a_batch_is_its_segments_one_under_the_other(cache: SegmentCache) -> None:
    data = dataset(cache)
    order = [4, 1, 0]
    batch = data.__getitems__(order)
    single = [data[i] for i in order]
    assert [len(each) for each in single] == [1, 1, 1]
    columns = zip(*(tensors(each) for each in single), strict=True)
    for together, parts in zip(tensors(batch), columns, strict=True):
        assert torch.equal(together, torch.cat(parts))


def test_unlabelled_clips_have_a_zero_and_a_mask(cache: SegmentCache) -> None:
    batch = dataset(cache).__getitems__(range(6))
    assert set(batch.targets) == {"emotion"}
    assert batch.targets["emotion"].dtype == torch.int64
    assert batch.targets["emotion"].tolist() == [2, 2, 0, 0, 0, 0]
    assert batch.labelled["emotion"].tolist() == [True, True, False, False, False, True]


def test_a_batch_owns_its_memory(cache: SegmentCache) -> None:
    data = dataset(cache)
    data.__getitems__([0]).inputs["audio"].fill_(7)
    assert not torch.equal(data[0].inputs["audio"], torch.full((1, 3, 5), 7).half())


def test_it_travels_to_a_worker_without_its_open_files(cache: SegmentCache) -> None:
    data = dataset(cache)
    expected = data.__getitems__([0, 4])
    text = pickle.dumps(data)
    copy: SegmentDataset = pickle.loads(text)
    for mine, theirs in zip(tensors(copy.__getitems__([0, 4])), tensors(expected), strict=True):
        assert torch.equal(mine, theirs)
    assert copy.cache._small.keys() == {
        ("a", "audio"),
        ("a", "face"),
        ("b", "audio"),
        ("b", "face"),
    }


def test_no_clips_are_no_segments(cache: SegmentCache) -> None:
    assert len(SegmentDataset(cache, CLIPS, {}, [], ["audio"], TARGETS)) == 0


def test_a_filler_is_zeros_without_any_modality(cache: SegmentCache) -> None:
    data = dataset(cache)
    mixed, whole = data.__getitems__([3, FILLER, 5]), data.__getitems__([3, 5])
    assert keys(mixed) == [(1, 1), (-1, -1), (3, 2)]
    for values, expected in zip(tensors(mixed), tensors(whole), strict=True):
        assert torch.equal(values[[0, 2]], expected)
        assert values.dtype == expected.dtype
    assert not any(value.any() for value in tensors(mixed.rows(slice(1, 2)))[:-2])
    assert keys(data.__getitems__([FILLER, FILLER])) == [(-1, -1)] * 2
