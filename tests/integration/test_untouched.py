"""No test clip is read before testing, unless it is asked for; then every result says so."""

import json
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import Trainer

from emorec.cache import SegmentCache
from emorec.data import Synthetic
from tests.conftest import Place, smoke

FAST = [
    "--data.workers=0",
    "--data.windows=RandomWindows",
    "--data.windows.count=2",
    "--trainer.limit_train_batches=1",
]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Return the ids of clips whose arrays are read: in training, in what is fitted afterwards on
    validation, and in tests.
    """
    read: dict[str, set[str]] = {"fit": set(), "calibrate": set(), "test": set()}
    phase = ["fit"]
    array, test, validate = SegmentCache.array, Trainer.test, Trainer.validate

    def looking(self: SegmentCache, clip_id: str, modality: str) -> Any:
        read[phase[0]].add(clip_id)
        return array(self, clip_id, modality)

    def testing(self: Trainer, *args: Any, **options: Any) -> Any:
        phase[0] = "test"
        return test(self, *args, **options)

    def validating(self: Trainer, *args: Any, **options: Any) -> Any:
        phase[0] = "calibrate"
        return validate(self, *args, **options)

    monkeypatch.setattr(Trainer, "validate", validating)
    monkeypatch.setattr(SegmentCache, "array", looking)
    monkeypatch.setattr(Trainer, "test", testing)
    # Preprocessing's page of pictures shows clips of all parts; it is no part of training.
    monkeypatch.setattr(Synthetic, "prepare_data", lambda self: None)
    return read


def parts(run: Path) -> dict[str, set[str]]:
    rows = [line.split(",") for line in (run / "split.csv").read_text().splitlines()[1:]]
    return {part: {clip for clip, p in rows if p == part} for part in ("train", "val", "test")}


@pytest.fixture
def filled(place: Place, tmp_path: Path) -> Path:
    """Fill the cache with two windows a clip before reading is watched."""
    smoke(tmp_path / "first", place, *FAST)
    return tmp_path / "first"


def test_no_test_clip_is_read_before_the_test(
    filled: Path, place: Place, tmp_path: Path, read: dict[str, set[str]]
) -> None:
    run = tmp_path / "run"
    smoke(run, place, *FAST)
    split = parts(run)
    assert read["fit"] == split["train"] | split["val"]
    assert read["calibrate"] == split["val"]
    assert read["test"] == split["test"]
    assert json.loads((run / "metrics.json").read_text())["selected_on_test"] is False


def test_selecting_on_test_reads_them_and_marks_the_results(
    filled: Path, place: Place, tmp_path: Path, read: dict[str, set[str]]
) -> None:
    run = tmp_path / "run"
    smoke(run, place, *FAST, "--select-on-test")
    split = parts(run)
    assert split == parts(filled)
    assert read["fit"] == split["train"] | split["test"]
    assert read["calibrate"] == split["val"]  # what is fitted after training never sees test clips
    assert json.loads((run / "metrics.json").read_text())["selected_on_test"] is True
    assert "SELECTED ON TEST" in (run / "summary.txt").read_text()
