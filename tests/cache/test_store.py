import errno
import json
import multiprocessing
import os
import pickle
import resource
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.cache import Entry, SegmentCache
from emorec.system.files import digest_file
from emorec.system.findings import Finding, FindingKind
from emorec.types import Clip
from tests.helpers.extractors import write_many

ONES = {"x": np.ones((3, 2), np.float16)}


def entry_of(path: Path, clip: str = "a") -> Entry:
    stat = path.stat()
    file = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "digest": digest_file(path)}
    finding = Finding(FindingKind.OTHER, detail="ü")
    return Entry(clip, path.name, "ok", findings=[finding], **file)  # type: ignore[arg-type]


@pytest.fixture
def media(tmp_path: Path) -> Path:
    path = tmp_path / "a.wav"
    path.write_bytes(b"some sound")
    return path


@pytest.fixture
def cache(tmp_path: Path) -> SegmentCache:
    return SegmentCache(tmp_path / "cache" / "set")


def test_what_is_written_is_read(cache: SegmentCache, media: Path) -> None:
    entry = entry_of(media)
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    cache.write(entry, {**ONES, "y": array})
    assert cache.read("a") == cache.current(Clip("a", media), media) == entry
    assert not cache.array("a", "y").flags.writeable
    assert np.array_equal(cache.array("a", "y"), array)
    assert cache.array("a", "y").dtype == np.uint8
    assert np.array_equal(cache.array("a", "x"), ONES["x"])
    assert list(cache.folder.iterdir()) == [cache.entry_folder("a")]


def test_an_unknown_clip_has_no_entry(cache: SegmentCache, media: Path) -> None:
    assert cache.read("a") is None
    assert cache.current(Clip("a", media), media) is None


@given(st.text(max_size=100), st.text(max_size=100))
def test_every_id_has_its_own_folder_directly_in_the_cache(one: str, other: str) -> None:
    cache = SegmentCache(Path("/cache"))
    folder = cache.entry_folder(one)
    assert folder.parent == cache.folder
    assert not folder.name.startswith(".")
    assert len(folder.name.encode()) < 255
    assert (folder == cache.entry_folder(other)) == (one == other)


def test_a_half_written_folder_is_never_read(cache: SegmentCache, media: Path) -> None:
    half = cache.folder / ".writing-abc"
    half.mkdir(parents=True)
    (half / "entry.json").write_text(json.dumps(entry_of(media).to_dict()), encoding="utf-8")
    assert cache.read("a") is None
    cache.write(entry_of(media), ONES)
    assert cache.current(Clip("a", media), media) == entry_of(media)


def test_old_leftovers_of_killed_processes_are_swept(cache: SegmentCache, media: Path) -> None:
    cache.write(entry_of(media), ONES)
    for name in (".writing-old", ".old-old", ".writing-now"):
        (cache.folder / name).mkdir()
        (cache.folder / name / "x.npy").touch()
    for name in (".writing-old", ".old-old"):
        os.utime(cache.folder / name, (0, 0))
    os.utime(cache.entry_folder("a"), (0, 0))
    cache.sweep()
    left = {path.name for path in cache.folder.iterdir()}
    assert left == {".writing-now", cache.entry_folder("a").name}


def test_a_failed_replacement_leaves_the_old_entry(
    cache: SegmentCache, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write(entry_of(media), ONES)

    def fail(*args: object) -> None:
        raise OSError(errno.EIO, "broken disk")

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="broken disk"):
        cache.write(Entry("a", "new.wav", "ok"), {"x": np.zeros((3, 2), np.float16)})
    monkeypatch.undo()
    assert cache.read("a") == entry_of(media)
    assert cache.array("a", "x").all()
    assert list(cache.folder.iterdir()) == [cache.entry_folder("a")]


def test_a_replaced_entry_is_read_again(cache: SegmentCache, media: Path) -> None:
    cache.write(entry_of(media), ONES)
    assert cache.array("a", "x").all()
    media.write_bytes(b"other sound")
    cache.write(entry_of(media), {"x": np.zeros((5, 2), np.float16)})
    assert cache.array("a", "x").shape == (5, 2)
    assert not cache.array("a", "x").any()


def test_other_content_makes_an_entry_stale(cache: SegmentCache, media: Path) -> None:
    cache.write(entry_of(media), ONES)
    stat = media.stat()
    media.write_bytes(b"same sizes")
    os.utime(media, ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))
    assert cache.current(Clip("a", media), media) is None
    media.write_bytes(b"another size")
    os.utime(media, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert cache.current(Clip("a", media), media) is None


def test_the_same_content_with_a_new_date_stays_valid(cache: SegmentCache, media: Path) -> None:
    cache.write(entry_of(media), ONES)
    stat = media.stat()
    os.utime(media, ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))
    found = cache.current(Clip("a", media), media)
    assert found is not None
    assert found.mtime_ns == stat.st_mtime_ns


def test_an_entry_of_the_same_file_is_left_as_it_is(cache: SegmentCache, media: Path) -> None:
    cache.write(entry_of(media), ONES)
    cache.write(entry_of(media), {"x": np.zeros((5, 2), np.float16)})  # a slower process
    assert cache.array("a", "x").all()


def test_what_is_cached_stays_when_the_file_is_gone(cache: SegmentCache, media: Path) -> None:
    cache.write(entry_of(media), ONES)
    media.unlink()
    entry = cache.current(Clip("a", media), media)
    assert entry is not None
    assert entry.status == "ok"


def test_more_arrays_than_stay_open_can_be_read(
    cache: SegmentCache, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emorec.cache.store.OPEN", 2)
    monkeypatch.setattr("emorec.cache.store.SMALL", 10)
    for clip in "abcd":
        cache.write(entry_of(media, clip), ONES)
    for clip in "abcdabcd":
        assert np.array_equal(cache.array(clip, "x"), ONES["x"])
    assert len(cache._maps) == 2


def test_large_arrays_are_mapped_and_small_ones_kept(
    cache: SegmentCache, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emorec.cache.store.ROOM", 150)
    small, large = np.arange(100, dtype=np.uint8), np.zeros(1 << 17, np.uint8)
    kept = SegmentCache(cache.folder)
    for clip in "ab":
        kept.write(entry_of(media, clip), {"x": small, "y": large})
    assert isinstance(kept.array("a", "y"), np.memmap)
    assert kept.array("a", "x") is kept.array("a", "x")
    assert not isinstance(kept.array("a", "x"), np.memmap)
    assert isinstance(kept.array("b", "x"), np.memmap)  # no room is left
    kept.write(replace(entry_of(media), digest="other"), {"x": small + 1, "y": large})
    assert not isinstance(kept.array("a", "x"), np.memmap)
    assert np.array_equal(kept.array("a", "x"), small + 1)


def test_a_copy_in_another_process_opens_its_own_maps(cache: SegmentCache, media: Path) -> None:
    cache.write(entry_of(media), ONES)
    cache.array("a", "x")
    text = pickle.dumps(cache)
    assert len(text) < 500
    assert np.array_equal(pickle.loads(text).array("a", "x"), ONES["x"])


@pytest.mark.slow
def test_two_processes_may_write_the_same_entry_at_once(cache: SegmentCache) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(cache.folder, v)) for v in (1, 2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    entry = cache.read("a")
    assert entry is not None
    assert entry.size in (1, 2)
    for name in ("x", "y"):
        assert np.array_equal(cache.array("a", name), np.full((4, 50), entry.size))
    assert list(cache.folder.iterdir()) == [cache.entry_folder("a")]


@pytest.mark.parametrize("where", ["numpy.save", "tempfile.mkdtemp"])
def test_a_full_disk_is_explained(
    cache: SegmentCache, media: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(where, fail)
    with pytest.raises(OSError, match=r"no space left in the cache folder .*--data\.cache") as it:
        cache.write(entry_of(media), ONES)
    assert it.value.errno == errno.ENOSPC
    assert str(cache.folder) in str(it.value)
    assert list(cache.folder.iterdir()) == []


def test_another_part_of_the_file_is_another_clip(cache: SegmentCache, media: Path) -> None:
    cache.write(replace(entry_of(media), span=[1.0, 2.0]), {"x": np.zeros(3)})
    assert cache.current(Clip("a", media, span=(1.0, 2.0)), media) is not None
    assert cache.current(Clip("a", media, span=(1.0, 2.5)), media) is None
    assert cache.current(Clip("a", media), media) is None


def test_errors_of_real_writes_keep_their_number(cache: SegmentCache, media: Path) -> None:
    # numpy's own way to files loses it ("100 requested and 50 written"), so that a full disk
    # could not be distinguished from others; a limit on file sizes stands for the full disk here.
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))
    try:
        with pytest.raises(OSError) as it:  # noqa: PT011 - its number is what is tested
            cache.write(entry_of(media), {"x": np.zeros(2**20, np.uint8)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert it.value.errno == errno.EFBIG


def test_other_errors_of_the_disk_are_raised_as_they_are(
    cache: SegmentCache, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "not yours")

    monkeypatch.setattr(tempfile, "mkdtemp", fail)
    with pytest.raises(PermissionError, match="not yours"):
        cache.write(entry_of(media), ONES)
