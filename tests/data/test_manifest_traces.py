"""Manifests of recordings with traces: what is read, what is left out, and each mistake."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emorec.data import Manifest
from emorec.errors import DataError
from emorec.extractors import Waveform
from emorec.types import Classes, Clip, Values
from emorec.windows import RandomWindows, SlidingWindows, WholeClip
from tests.helpers.media_files import tone, write_sound

BOTH = ["arousal", "valence"]
HEAD = "time,arousal,valence\n"


def manifest(folder: Path, text: str, name: str = "set.csv", **options: Any) -> Manifest:
    (folder / name).write_text(text)
    options = {"dimensions": BOTH, "cache": folder / "cache", "workers": 0, **options}
    return Manifest(folder / name, {"audio": Waveform(16000, 1.0)}, **options)


def regular(seconds: float) -> str:
    """Return a trace whose arousal is the time, and whose valence is its negative."""
    times = np.arange(round(seconds / 0.04) + 1) * 0.04
    return HEAD + "".join(f"{t:.2f},{t:.4f},{-t:.4f}\n" for t in times)


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Six recordings of 3 s, and traces of all but the last."""
    (tmp_path / "traces").mkdir()
    for number in range(6):
        sound = tone(16000, 3.0, 200.0 + 50 * number)
        write_sound(tmp_path / f"{number}.wav", sound[None], 16000)
        if number < 5:
            (tmp_path / f"traces/{number}.csv").write_text(regular(3.0))
    return tmp_path


ROWS = "".join(
    f"{i}.wav,{f'traces/{i}.csv' if i < 5 else ''},{part}\n"
    for i, part in enumerate(["train", "train", "train", "val", "test", "test"])
)


def ready(data: Manifest) -> Manifest:
    data.prepare_data()
    data.setup("fit")
    return data


def test_a_trace_is_the_sidecar_of_a_target_with_values(tmp_path: Path) -> None:
    text = "path,trace,group\na.mp4,t/a.csv,anna\nb.mp4,,ben\nc.mp4,/d/c.csv,cem\n"
    data = manifest(tmp_path, text, step=0.1, delay=0.4)
    assert data.targets == {"affect": Values(BOTH, 0.1, 0.4)}
    assert isinstance(data.windows, SlidingWindows)
    assert data.windows.step == 0.1
    clips = data.clips()
    assert [dict(clip.labels) for clip in clips] == [{"affect": ()}, {}, {"affect": ()}]
    assert clips[0].sidecars == {"affect": Path("t/a.csv")}
    assert [clip.sidecars.get("affect") for clip in clips[1:]] == [None, Path("/d/c.csv")]
    rows = [{"path": "a.mp4", "trace": "t/a.csv"}, {"path": "b.mp4", "trace": None}]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    lines = manifest(tmp_path, text, "set.jsonl").clips()
    assert [dict(clip.labels) for clip in lines] == [{"affect": ()}, {}]


def test_without_dimensions_a_trace_is_no_target(tmp_path: Path) -> None:
    text = "path,label,trace\na.mp4,anger,a.csv\n"
    data = manifest(tmp_path, text, dimensions=None)
    assert list(data.targets) == ["emotion"]
    assert data.values == {}
    assert isinstance(data.windows, RandomWindows)
    assert data.clips()[0].sidecars == {}


def test_recordings_may_have_both_a_label_and_a_trace(tmp_path: Path) -> None:
    text = "path,label,trace\na.mp4,calm,a.csv\nb.mp4,,b.csv\nc.mp4,tense,\nd.mp4,,\n"
    data = manifest(tmp_path, text, classes=["calm", "tense"])
    values = {"affect": Values(BOTH)}
    assert data.targets == {"emotion": Classes(["calm", "tense"]), **values}
    assert data.values == values
    assert [dict(clip.labels) for clip in data.clips()] == [
        {"emotion": 0, "affect": ()},
        {"affect": ()},
        {"emotion": 1},
        {},
    ]
    # Labels that no class is given for are not looked at.
    assert manifest(tmp_path, text).targets == values
    assert dict(manifest(tmp_path, text).clips()[0].labels) == {"affect": ()}


def test_irregular_times_gaps_and_unlabelled_recordings_become_batches(recordings: Path) -> None:
    # Every 0.3 s, a little off, nothing between 1.0 and 2.5 s, an empty value at the end.
    rows = [f"{t},{t:.3f},{-t:.3f}" for t in (0.01, 0.31, 0.6, 0.9, 1.0, 2.5, 2.7)]
    text = HEAD + "\n".join([*rows, "2.9,,-2.9"])
    (recordings / "traces/0.csv").write_text(text)
    data = ready(
        manifest(
            recordings,
            f"path,trace,split\n{ROWS}",
            split="official",
            windows=SlidingWindows(1.0, 1.0),
        )
    )
    assert data.class_counts() == {}
    trace = np.asarray(data.traces["affect"][0], np.float64)
    times = np.arange(len(trace)) * 0.04
    known = ~np.isnan(trace[:, 0])
    expected = ((times >= 0.01) & (times <= 1.0)) | ((times >= 2.5) & (times <= 2.7))
    np.testing.assert_array_equal(known, expected)
    np.testing.assert_allclose(trace[known, 0], times[known], atol=1e-3)
    later = ~np.isnan(trace[:, 1])
    assert later.sum() == known.sum() + (times[later] > 2.7).sum() > known.sum()
    assert set(data.traces["affect"]) == {0, 1, 2, 3, 4}
    batch = data.parts["train"].__getitems__(range(len(data.parts["train"])))
    target = batch.targets["affect"]
    assert target.shape == (9, 25, 2)
    assert target[1, 1:].isnan().all()  # within the gap
    assert batch.labelled["affect"].all()
    unlabelled = data.parts["test"].__getitems__(range(6))
    assert unlabelled.labelled["affect"].tolist() == [True] * 3 + [False] * 3


def test_a_recording_whose_trace_is_missing_is_left_out_with_its_reason(recordings: Path) -> None:
    (recordings / "traces/1.csv").unlink()
    (recordings / "traces/2.csv").write_text("time,arousal\n0,1\n")
    text = f"path,trace,split\n{ROWS}"
    data = manifest(recordings, text, split="official", windows=SlidingWindows(1.0, 1.0))
    with pytest.warns(UserWarning, match="2 of 5 recordings have traces that cannot be used"):
        data.prepare_data()  # before any media file is read
    with pytest.warns(UserWarning, match="left out") as caught:
        data.setup("fit")
    warned = [str(each.message) for each in caught]
    assert any("1.wav: trace" in line and "cannot be read" in line for line in warned)
    assert any("2.wav: trace" in line and "no column valence" in line for line in warned)
    assert "2 of 6 recordings are left out for their traces" in warned
    assert set(data.part_of_clip) == {f"{i}.wav" for i in (0, 3, 4, 5)}


@pytest.mark.parametrize("delay", [0.0, 0.4])
def test_a_part_of_a_file_has_its_part_of_the_trace(tmp_path: Path, delay: float) -> None:
    (tmp_path / "a.csv").write_text(regular(3.0))
    text = "path,trace,start,end\na.mp4,a.csv,1,2\na.mp4,a.csv,5,6\n"
    data = manifest(tmp_path, text, delay=delay)
    first, late = data.clips()
    found = np.asarray(data.read_trace(first, "affect"), np.float64)
    steps = 25 + round(delay / 0.04)
    np.testing.assert_allclose(found[:, 0], 1 + np.arange(steps) * 0.04, atol=1e-3)
    with pytest.raises(DataError, match=r"ends before the clip begins, at 5 s of the media file"):
        data.read_trace(late, "affect")
    whole = Clip("a", Path("a.mp4"), sidecars={"affect": Path("a.csv")})
    assert len(data.read_trace(whole, "affect")) == 76


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dimensions": []}, r"dimensions are \[\]; expected distinct names of columns"),
        ({"dimensions": ["arousal", "arousal"]}, "distinct names"),
        ({"dimensions": ["time"]}, "none of them time"),
        ({"dimensions": [""]}, "expected distinct names"),
        ({"step": 0.0}, "step must be above 0 and delay at least 0 seconds, got 0.0 and 0.0"),
        ({"delay": -1.0}, "got 0.04 and -1.0"),
        ({"step": 0.07}, r"not a whole number of steps of 0.07 s; name others with data\.windows"),
        (
            {"step": 0.1, "windows": SlidingWindows(1.0, 1.0)},
            r"data\.step is 0\.1 s and data\.windows\.step 0\.04 s",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        manifest(tmp_path, "path,trace\na.mp4,a.csv\n", **options)


def test_other_windows_are_taken_as_they_are(tmp_path: Path) -> None:
    data = manifest(tmp_path, "path,trace\na.mp4,a.csv\n", windows=WholeClip(), step=0.1)
    assert isinstance(data.windows, WholeClip)


@pytest.mark.parametrize(
    ("text", "options", "parts"),
    [
        ("path,label\na,joy\n", {}, ["has no trace (found: path, label)", "data.dimensions"]),
        ("path,trace\na,b\n", {"classes": ["joy"]}, ["has no label (found: path, trace)"]),
        ("trace\nb\n", {}, ["has no path (found: trace)"]),
        ("path,label\na,joy\n", {}, ["columns time (seconds from the start of the media file"]),
    ],
)
def test_missing_columns_are_called_by_name(
    tmp_path: Path, text: str, options: dict[str, Any], parts: list[str]
) -> None:
    with pytest.raises(DataError) as caught:
        manifest(tmp_path, text, **options).checked_clips()
    for part in parts:
        assert part in str(caught.value)
