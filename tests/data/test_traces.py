"""Annotation traces: read, put on the grid, cut into windows, and refused."""

from pathlib import Path

import numpy as np
import pytest
import torch

from emorec.data.traces import part_of_trace, read_trace
from emorec.errors import DataError
from emorec.media.series import resample
from emorec.types import Clip, Values, Window
from tests.helpers.toy_traces import STEPS, ToyRecordings

BOTH = ["arousal", "valence"]


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_values_on_the_grid_are_taken_as_they_are(tmp_path: Path) -> None:
    rows = "".join(f"{0.04 * i:.2f};{i};{-i}\n" for i in range(50))
    file = write(tmp_path / "a.csv", "time;valence;arousal\n" + rows)
    found = read_trace(file, BOTH, 0.04)
    assert found.shape == (50, 2)
    assert found.dtype == np.float32
    wanted = np.stack([-np.arange(50.0), np.arange(50.0)], 1)
    np.testing.assert_allclose(np.asarray(found, np.float64), wanted)


def test_files_of_other_programs_are_read(tmp_path: Path) -> None:
    text = "Time;Valence;AROUSAL\n0,00;0,5;1\n0,04;0,25;-1,5\n"
    found = read_trace(write(tmp_path / "a.csv", text), BOTH, 0.04)
    assert found.tolist() == [[1.0, 0.5], [-1.5, 0.25]]
    tabs = read_trace(write(tmp_path / "b.csv", text.replace(";", "\t")), BOTH, 0.04)
    assert tabs.tolist() == found.tolist()


def test_between_times_values_are_interpolated_and_gaps_stay_gaps() -> None:
    times = np.array([0.1, 0.2, 0.3, 0.4, 2.0])
    values = np.array([[1.0], [2.0], [np.nan], [4.0], [5.0]])
    found = np.asarray(resample(times, values, 0.05)[:, 0], np.float64)
    assert np.isnan(found[:2]).all()  # before the first time
    np.testing.assert_allclose(found[2:5], np.array([1.0, 1.5, 2.0]), atol=1e-6)
    assert np.isnan(found[5:8]).all()  # an empty value
    assert found[8] == pytest.approx(4.0)
    assert np.isnan(found[9:40]).all()  # nothing for more than a second
    assert found[40] == pytest.approx(5.0)
    assert len(found) == 41


def test_the_traces_own_steps_may_be_longer_than_a_second() -> None:
    times, values = np.array([0.0, 4.0, 8.0, 20.0]), np.array([[0.0], [4.0], [8.0], [20.0]])
    found = np.asarray(resample(times, values, 1.0)[:, 0], np.float64)
    np.testing.assert_allclose(found[:9], np.arange(9.0))
    assert np.isnan(found[9:20]).all()  # more than two of them
    assert found[20] == pytest.approx(20.0)


@pytest.mark.parametrize("delay", [0.0, 0.4])
def test_windows_get_their_part(delay: float) -> None:
    trace, target = np.arange(100, dtype=np.float32)[:, None], Values(["arousal"], 0.04, delay)
    part = part_of_trace(trace, Window(1.0, 2.0), target)[:, 0]
    np.testing.assert_array_equal(part, np.arange(25) + 25 + round(delay / 0.04))
    end = part_of_trace(trace, Window(3.6, 4.6), target)[:, 0]
    known = 10 - round(delay / 0.04)
    assert np.isnan(end).sum() == 25 - known


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,arousal\n0,1\n", r"no column valence \(found: time, arousal"),
        ("time,arousal,valence\n", "no rows"),
        ("", "no column time"),
        ("time,arousal,valence\n0,1,calm\n", r"no number \('calm'"),
        ("time,arousal,valence\n0,1,inf\n", r"is not finite, or too large \(inf\)"),
        ("time,arousal,valence\n1,1,1\n0,1,1\n", "times that are missing, do not rise"),
        ("time,arousal,valence\n,1,1\n", "times that are missing"),
        ("time,arousal,valence\n0,1,1e39\n", r"is not finite, or too large \(1e39\)"),
        ("time,arousal,valence\n1700000000,1,1\n", "longer than a day .times go up to 1.7e.09"),
        (f"time,arousal,valence\n0,1,{'x' * 200_000}\n", "is no CSV file"),
    ],
)
def test_other_files_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_trace(write(tmp_path / "a.csv", text), BOTH, 0.04)
    with pytest.raises(DataError, match="cannot be read"):
        read_trace(tmp_path / "nothing.csv", BOTH, 0.04)


def test_batches_hold_the_steps_of_their_windows(tmp_path: Path) -> None:
    data = ToyRecordings(tmp_path, delay=0.2)
    data.prepare_data()
    data.setup("fit")
    dataset = data.dataset(data.all_clips, dict.fromkeys(data.entries, "train"), "train")
    batch = dataset.__getitems__([-1, *range(len(dataset))])
    target = batch.targets["affect"]
    assert target.shape == (len(dataset) + 1, STEPS, 2)
    assert not batch.labelled["affect"][0]  # a filler
    unlabelled = batch.clip == 8
    assert unlabelled.any()
    assert torch.equal(batch.labelled["affect"][1:], ~unlabelled[1:])
    assert target[unlabelled].isnan().all()
    for row in range(1, len(batch)):
        clip, window = int(batch.clip[row]), int(batch.index[row])
        if clip == 8:
            continue
        first = round(data.starts(clip)[window] / 0.04) + 5
        wanted = torch.from_numpy(data.traces["affect"][clip][first : first + STEPS])
        assert torch.equal(target[row, : len(wanted)], wanted)
        assert target[row, len(wanted) :].isnan().all()
    assert data.class_counts() == {}


def test_a_recording_with_a_bad_trace_is_left_out_and_named(tmp_path: Path) -> None:
    data = ToyRecordings(tmp_path)
    data.prepare_data()
    (tmp_path / "3.csv").write_text("time,arousal\n0,1\n")
    (tmp_path / "4.csv").unlink()
    milliseconds = [f"{40 * i},0.{i % 10},0" for i in range(50)]
    (tmp_path / "5.csv").write_text("\n".join(["time,arousal,valence", *milliseconds]))
    with pytest.warns(UserWarning, match="left out") as caught:
        data.setup("fit")
    warned = [str(each.message) for each in caught]
    assert warned[-1] == "3 of 9 recordings are left out for their traces"
    assert "left out: r3: trace" in warned[0]
    assert "left out: r5: its trace lasts 1960 s, the recording " in warned[2]
    assert set(data.part_of_clip) == {f"r{i}" for i in (0, 1, 2, 6, 7, 8)}


def test_a_delay_beyond_all_recordings_leaves_nothing_to_learn(tmp_path: Path) -> None:
    ToyRecordings(tmp_path).prepare_data()
    late = ToyRecordings(tmp_path, delay=60.0)
    late._prepared = True  # the gold standard stays
    with pytest.raises(DataError, match=r"no training window has a value of affect.* 60 s, beyond"):
        late.setup("fit")
    ToyRecordings(tmp_path, delay=60.0).setup("test")  # what is tested needs none


def test_without_any_trace_the_error_is_reported(tmp_path: Path) -> None:
    class OnlyLabelled(ToyRecordings):
        def clips(self) -> list[Clip]:
            return super().clips()[:-1]

    data = OnlyLabelled(tmp_path)
    data.prepare_data()
    for number in range(9):
        (tmp_path / f"{number}.csv").unlink(missing_ok=True)
    with (
        pytest.warns(UserWarning, match="left out: r0"),
        pytest.raises(DataError, match="none of 8 recordings has a trace"),
    ):
        data.setup("fit")
