"""When a clip is stale: its cached record against its current files."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emorec.cache import CacheSource, SegmentCache, WorkPlan, build
from emorec.errors import UserError
from emorec.extractors import (
    CLIP_TEXT,
    Extractor,
    LogMel,
    StoredFeatures,
    Transcript,
    Waveform,
)
from emorec.extractors.sidecars import sidecar_digests
from emorec.types import Array, Clip
from emorec.windows import WholeClip
from tests.helpers.extractors import Marks
from tests.helpers.media_files import tone, write_sound


def source(root: Path, extractors: dict[str, Extractor]) -> CacheSource:
    return CacheSource("set", root, root / "cache", WholeClip(), extractors)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_sound(tmp_path / "a.wav", tone(16000, 1.0)[None], 16000)
    np.save(tmp_path / "a.npy", np.zeros(3))
    (tmp_path / "trace.csv").write_text("1")
    return tmp_path


CLIP = Clip("a", Path("a.wav"), sidecars={"x": Path("a.npy"), "trace": Path("trace.csv")})


def cached(root: Path, made: CacheSource, clip: Clip = CLIP) -> Array:
    (entry,) = build(made, [clip], WorkPlan(0))
    assert entry.status == "ok", entry.reason
    return np.array(made.cache().array("a", "features"))


def test_only_a_change_of_a_file_that_is_read_makes_a_clip_stale(root: Path) -> None:
    stored, marks = StoredFeatures("x", [3]), Marks()
    made = source(root, {"features": stored, "marks": marks})
    assert cached(root, made).tolist() == [[0, 0, 0]]
    (root / "trace.csv").write_text("2")
    np.save(root / "a.npy", np.zeros(3))
    os.utime(root / "a.npy", (0, 0))  # the same content with another date
    cached(root, made)
    assert len(marks.calls) == 1
    np.save(root / "a.npy", np.ones(3))
    assert cached(root, made).tolist() == [[1, 1, 1]]
    assert len(marks.calls) == 2
    without = replace(CLIP, sidecars={})
    build(made, [without], WorkPlan(0))
    assert made.cache().read("a").present["features"] == [False]  # type: ignore[union-attr]


def test_what_is_cached_stays_when_the_file_is_gone(root: Path) -> None:
    marks = Marks()
    made = source(root, {"features": StoredFeatures("x", [3]), "marks": marks})
    cached(root, made)
    (root / "a.npy").unlink()
    cached(root, made)
    assert len(marks.calls) == 1


def test_a_changed_sound_file_of_its_own_and_a_changed_text_count(root: Path) -> None:
    clip = Clip("a", Path("a.wav"), text="Oh no", sidecars={"audio": Path("b.wav")})
    write_sound(root / "b.wav", tone(16000, 1.0)[None], 16000)
    extractors = {"audio": LogMel(16000)}
    found = sidecar_digests(clip, root, extractors)
    assert set(found) == {"audio"}
    write_sound(root / "b.wav", tone(16000, 1.0, 220.0)[None], 16000)
    assert sidecar_digests(clip, root, extractors) != found
    words = {"text": Transcript()}
    spoken = sidecar_digests(clip, root, words)
    assert set(spoken) == {CLIP_TEXT}
    assert sidecar_digests(replace(clip, text="Oh yes"), root, words) != spoken
    assert sidecar_digests(replace(clip, text=""), root, words) == {}


def test_records_of_before_are_read_and_are_current_without_sidecars(root: Path) -> None:
    made = source(root, {"marks": Marks()})
    (entry,) = build(made, [CLIP], WorkPlan(0))
    assert entry.sidecars == {}
    path = made.cache().entry_folder("a") / "entry.json"
    record = json.loads(path.read_text())
    del record["sidecars"]
    path.write_text(json.dumps(record))
    assert made.current(CLIP) == entry


def test_a_record_of_another_version_is_made_again_and_not_misread(root: Path) -> None:
    """Records had warnings in words before they had findings."""
    marks = Marks()
    made = source(root, {"marks": marks})
    (entry,) = build(made, [CLIP], WorkPlan(0))
    path = made.cache().entry_folder("a") / "entry.json"
    record = json.loads(path.read_text())
    del record["findings"], record["brief"]
    path.write_text(json.dumps({**record, "warnings": ["no face in 2 of 4 windows"]}))
    assert made.cache().read("a") is None
    assert build(made, [CLIP], WorkPlan(0)) == [entry]
    assert len(marks.calls) == 2
    assert made.cache().read("a") == entry


def test_another_span_of_the_same_file_replaces_the_entry(root: Path) -> None:
    marks = Marks()
    made = source(root, {"marks": marks})
    build(made, [CLIP], WorkPlan(0))
    part = replace(CLIP, span=(0.0, 0.5))
    build(made, [part], WorkPlan(0))
    assert made.current(part) is not None
    assert SegmentCache(made.cache().folder).array("a", "marks").tolist() == [[0.0, 0.5]]


@pytest.mark.slow
def test_an_option_that_does_not_fit_ends_a_run_of_workers_too(root: Path) -> None:
    made = source(root, {"audio": Waveform(length=0.5)})
    with pytest.raises(UserError, match="Waveform has length"):
        build(made, [CLIP, replace(CLIP, id="b")], WorkPlan(1))
