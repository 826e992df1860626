"""Clips without a media file: a series or features are all they have."""

from pathlib import Path

import numpy as np
import pytest

from emorec.cache import CacheSource, WorkPlan, build, make_entry
from emorec.data import Manifest
from emorec.errors import DataError
from emorec.extractors import LogMel, StoredFeatures
from emorec.predict.inputs import find_inputs
from emorec.predict.recording import open_recording
from emorec.types import Clip
from emorec.windows import GridWindows, WholeClip
from tests.helpers.media_files import tone, write_sound
from tests.helpers.signal import Signal


def write_signal(path: Path, seconds: float = 5.0) -> Path:
    times = np.arange(0, seconds + 0.05, 0.1)
    path.write_text("time,eda\n" + "".join(f"{t:.1f},{np.sin(t):.5f}\n" for t in times))
    return path


def test_a_series_decides_the_duration_and_is_cut_into_windows(tmp_path: Path) -> None:
    write_signal(tmp_path / "a.csv")
    clip = Clip("a", None, sidecars={"eda": Path("a.csv")})
    entry, arrays = make_entry(clip, tmp_path, GridWindows(1.0, 1.0), {"eda": Signal()})
    assert (entry.status, entry.path, entry.duration) == ("ok", "a.csv", 5.0)
    assert arrays["eda"].shape == (5, 10)
    np.testing.assert_allclose(arrays["eda"][2], np.sin(np.arange(2.0, 3.0, 0.1)), atol=1e-4)
    part = Clip("b", None, sidecars=clip.sidecars, span=(1.0, 3.0))
    assert len(make_entry(part, tmp_path, GridWindows(1.0, 1.0), {"eda": Signal()})[0].windows) == 2


def test_the_sound_of_a_modality_decides_it_too(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav", tone(16000, 2.0)[None], 16000)
    write_signal(tmp_path / "a.csv", 1.0)
    clip = Clip("a", None, sidecars={"eda": Path("a.csv"), "audio": Path("a.wav")})
    extractors = {"audio": LogMel(16000), "eda": Signal()}
    entry, _ = make_entry(clip, tmp_path, GridWindows(1.0, 1.0), extractors)
    assert entry.duration == pytest.approx(2.0, abs=0.01)
    assert entry.present == {"audio": [True, True], "eda": [True, False]}


def test_it_is_current_until_its_file_changes(tmp_path: Path) -> None:
    write_signal(tmp_path / "a.csv")
    clip = Clip("a", None, sidecars={"eda": Path("a.csv")})
    source = CacheSource("set", tmp_path, tmp_path / "cache", GridWindows(1, 1), {"eda": Signal()})
    (entry,) = build(source, [clip], WorkPlan(0))
    assert source.current(clip) == entry
    write_signal(tmp_path / "a.csv", 3.0)
    assert source.current(clip) is None
    (again,) = build(source, [clip], WorkPlan(0))
    assert len(again.windows) == 3


def test_a_clip_without_any_file_is_skipped_with_its_reason(tmp_path: Path) -> None:
    gone = Clip("gone", None, sidecars={"eda": Path("gone.csv")})
    entry, arrays = make_entry(gone, tmp_path, GridWindows(1, 1), {"eda": Signal()})
    assert (entry.status, entry.brief, arrays) == ("skipped", "cannot be read", {})
    with pytest.raises(ValueError, match="neither a media file nor sidecars"):
        Clip("nothing", None).file  # noqa: B018


def test_a_manifest_may_have_sidecars_alone(tmp_path: Path) -> None:
    for number in range(2):
        np.save(tmp_path / f"{number}.npy", np.ones(4, np.float32))
    rows = "".join(f"c{i},anger,{i}.npy\n" for i in range(2))
    (tmp_path / "set.csv").write_text(f"id,label,sidecar_bert\n{rows}")
    data = Manifest(
        tmp_path / "set.csv",
        {"text": StoredFeatures("bert", [4])},
        windows=WholeClip(),
        cache=tmp_path / "cache",
        workers=0,
    )
    entries = data.preprocess(WorkPlan(0))
    assert [(e.id, e.path, e.status) for e in entries] == [
        ("c0", "0.npy", "ok"),
        ("c1", "1.npy", "ok"),
    ]
    first, _ = find_inputs([str(tmp_path / "set.csv")])
    recording = open_recording(first.named, data.extractors)
    assert (recording.file, recording.title) == (tmp_path / "0.npy", "c0")
    for text, message in (
        ("label,sidecar_bert\nanger,0.npy\n", "has no path"),
        ("id,label,sidecar_bert\n,anger,0.npy\n", "a clip without a path needs an id"),
        ("id,label,sidecar_bert\na,anger,\n", "no path, and no sidecar"),
    ):
        (tmp_path / "set.csv").write_text(text)
        with pytest.raises(DataError, match=message):
            data.clips()
