import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emorec.cache import Entry, make_entry
from emorec.extractors import Extraction, Extractor, LogMel
from emorec.media import Media, MediaError
from emorec.system.files import digest_file
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Clip, Window
from emorec.windows import RandomWindows
from tests.helpers.extractors import Marks
from tests.helpers.media_files import tone, write_sound

WINDOWS = RandomWindows(count=3)
CLIP = Clip("a", Path("sub/a.wav"))
HALF = Finding(FindingKind.ABSENT, "ones", 1, 3)


class Every(Extractor):
    """Gives every second window ones, or raises an error."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    @property
    def shape(self) -> tuple[int, ...]:
        return (2, 2)

    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        if self.error is not None:
            raise self.error
        arrays: list[Array | None] = [np.ones((2, 2), np.float16) for _ in windows]
        arrays[1::2] = [None] * len(arrays[1::2])
        return Extraction(arrays, {"level": 0.5}, [HALF])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    write_sound(tmp_path / CLIP.file, tone(16000, 2.0)[None], 16000)
    return tmp_path


def test_a_good_clip_gives_a_record_and_an_array_a_modality(root: Path) -> None:
    entry, arrays = make_entry(CLIP, root, WINDOWS, {"x": Every(), "marks": Marks()})
    assert (entry.id, entry.path, entry.status, entry.reason) == ("a", "sub/a.wav", "ok", "")
    assert entry.duration == 2.0
    assert entry.windows == [list(w) for w in WINDOWS("a", 2.0)]
    assert entry.present == {"x": [True, False, True], "marks": [True] * 3}
    assert entry.facts == {"level": 0.5, "marks": 3}
    assert entry.findings == [HALF]
    assert not entry.nothing_usable
    assert {name: array.shape for name, array in arrays.items()} == {
        "x": (3, 2, 2),
        "marks": (3, 2),
    }
    assert arrays["x"].dtype == np.float16
    assert arrays["x"][:, 0, 0].tolist() == [1, 0, 1]


def test_the_record_identifies_the_file(root: Path) -> None:
    entry, _ = make_entry(CLIP, root, WINDOWS, {"x": Every()})
    path = root / CLIP.file
    assert entry.size == path.stat().st_size
    assert entry.mtime_ns == path.stat().st_mtime_ns
    assert entry.digest == hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


def test_a_record_survives_json(root: Path) -> None:
    entry, _ = make_entry(CLIP, root, WINDOWS, {"x": Every()})
    assert Entry.from_dict(json.loads(json.dumps(entry.to_dict()))) == entry
    more = replace(entry, findings=[Finding(kind, "ü", 1, 2, "ä") for kind in FindingKind])
    assert Entry.from_dict(json.loads(json.dumps(more.to_dict()))) == more


@pytest.mark.parametrize(
    "change", [{"warnings": ["half of it"]}, {"findings": [{"kind": "nobody knows"}]}]
)
def test_a_record_of_another_version_is_refused(root: Path, change: dict[str, list[Any]]) -> None:
    entry, _ = make_entry(CLIP, root, WINDOWS, {"x": Every()})
    with pytest.raises((TypeError, ValueError)):
        Entry.from_dict({**entry.to_dict(), **change})


def test_the_digest_reads_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "big"
    content = bytes(2**20) + b"end"
    path.write_bytes(content)
    assert digest_file(path) == hashlib.blake2b(content, digest_size=16).hexdigest()


def test_a_missing_file_is_skipped_with_its_reason(tmp_path: Path) -> None:
    entry, arrays = make_entry(CLIP, tmp_path, WINDOWS, {"x": Every()})
    assert (entry.status, entry.reason[:16]) == ("skipped", "file not found (")
    assert (entry.size, entry.digest) == (0, "")
    assert arrays == {}


@pytest.mark.parametrize(
    ("error", "brief", "reason"),
    [
        (MediaError("no good"), "no good", "no good"),
        (MediaError("no good", "of 3 s"), "no good", "no good (of 3 s)"),
        (RuntimeError("oh"), "unexpected RuntimeError", "unexpected RuntimeError: oh"),
        (OSError("read (2)"), "unexpected OSError", "unexpected OSError: read (2)"),
    ],
)
def test_a_failing_clip_is_skipped_with_its_reason(
    root: Path, error: Exception, brief: str, reason: str
) -> None:
    entry, arrays = make_entry(CLIP, root, WINDOWS, {"x": Every(error)})
    assert (entry.status, entry.brief, entry.reason) == ("skipped", brief, reason)
    assert not entry.nothing_usable
    assert entry.duration == 2.0
    # Only what the file itself is to blame for is cached; the rest may go better next time.
    assert bool(entry.digest) == isinstance(error, MediaError)
    assert arrays == {}


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt()])
def test_errors_of_the_machine_are_raised(root: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        make_entry(CLIP, root, WINDOWS, {"x": Every(error)})


def test_a_clip_without_anything_usable_is_skipped(root: Path) -> None:
    entry, arrays = make_entry(CLIP, root, WINDOWS, {"marks": Marks(without="a")})
    assert entry.status == "skipped"
    assert entry.nothing_usable
    assert entry.findings == [Finding(FindingKind.MISSING, "marks")]
    assert entry.brief == "nothing usable in any window"
    assert entry.reason == "nothing usable in any window (no marks)"
    assert arrays == {}


def test_a_clip_with_one_usable_modality_is_kept(root: Path) -> None:
    entry, arrays = make_entry(CLIP, root, WINDOWS, {"marks": Marks(without="a"), "x": Every()})
    assert entry.status == "ok"
    assert entry.present["marks"] == [False] * 3
    assert not arrays["marks"].any()


def test_a_clip_shorter_than_its_windows_is_kept(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav", tone(48000, 0.43)[None])
    entry, arrays = make_entry(Clip("a", Path("a.wav")), tmp_path, WINDOWS, {"audio": LogMel()})
    assert entry.status == "ok"
    assert entry.duration == pytest.approx(0.43)
    assert arrays["audio"].shape == (3, 1, 94, 94)
    assert entry.present == {"audio": [True] * 3}
