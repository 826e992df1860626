"""Generated recordings as a data set: media, traces, windows, and the delay of annotators."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emorec.data import SyntheticRecordings
from emorec.errors import DataError
from emorec.extractors import Waveform
from emorec.synthetic import affect
from emorec.testing import check_datamodule
from emorec.windows import SlidingWindows


def recordings(folder: Path, **options: Any) -> SyntheticRecordings:
    options = {"workers": 0, "batch_size": 2, "cache": folder / "cache", **options}
    windows = SlidingWindows(2.0, 2.0)
    audio = Waveform(length=2.0)
    sizes: dict[str, Any] = {
        "subjects": 4,
        "seconds": 5.0,
        "split": "subject_independent",
        "windows": windows,
    }
    return SyntheticRecordings({"audio": audio}, folder / "media", **sizes, **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


def test_targets_are_the_courses_that_were_generated(folder: Path) -> None:
    data = recordings(folder)
    data.prepare_data()
    data.setup("fit")
    check_datamodule(data)
    (batch,) = list(data.train_dataloader())[:1]
    assert batch.inputs["audio"].shape[1:] == (32000,)
    for row in range(len(batch)):
        clip = int(batch.clip[row])
        first = round(data.starts(clip)[int(batch.index[row])] / 0.04)
        gold = affect(data.plans[clip])
        wanted = np.stack([gold.arousal, gold.valence], 1)[first : first + 50]
        target = batch.targets["affect"][row]
        torch.testing.assert_close(target, torch.from_numpy(wanted).float(), atol=1e-5, rtol=0)
    # 5 s in windows of 2 s: the last one is moved back to end with the recording.
    assert data.starts(0) == pytest.approx([0, 2, 3])


@pytest.mark.parametrize("compensate", [True, False])
def test_a_delay_is_written_into_the_traces_and_taken_out(compensate: bool, folder: Path) -> None:
    plain, late = recordings(folder), recordings(folder, delay=0.4, compensate=compensate)
    assert late.root != plain.root
    # The media are the same: they need not be written again.
    plain.prepare_data()
    late.root.mkdir(parents=True, exist_ok=True)
    for path in plain.root.glob("*.mp4"):
        (late.root / path.name).unlink(missing_ok=True)
        (late.root / path.name).symlink_to(path)
    late.prepare_data()
    for data in (plain, late):
        data.setup("fit")
    assert late.values["affect"].delay == (0.4 if compensate else 0.0)
    before = plain.traces["affect"][0]
    np.testing.assert_array_equal(late.traces["affect"][0][10:], before[:-10])
    own = plain.dataset(plain.all_clips, plain.part_of_clip, "train").__getitems__([0])
    shifted = late.dataset(late.all_clips, late.part_of_clip, "train").__getitems__([0])
    same = torch.equal(own.targets["affect"], shifted.targets["affect"])
    assert same == compensate


def test_options_are_checked(folder: Path) -> None:
    with pytest.raises(DataError, match=r"delay at least 0 s, got 0\.04 and -0\.1"):
        recordings(folder, delay=-0.1)
    with pytest.raises(ValueError, match="multiples of step"):
        SlidingWindows(2.0, 2.0, 0.03)
