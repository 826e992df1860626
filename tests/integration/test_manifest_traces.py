"""Recordings of one's own with traces, through the commands: listed, learned, tested, predicted."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from emorec.cli import main
from emorec.predict import Predictor
from emorec.types import Values
from tests.helpers.media_files import tone, write_sound

STEP, SECONDS = 0.08, 3.6
SMALL = {"units": 4, "layers": 1}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Train on six sounds, the last one without a trace, and return the run directory."""
    rows = []
    for number in range(6):
        sound = tone(16000, SECONDS, 200.0 + 50 * number)
        write_sound(tmp_path / f"{number}.wav", sound[None], 16000)
        times = np.arange(0, SECONDS, 0.3)
        trace = pd.DataFrame({"time": times, "arousal": np.sin(times + number)})
        trace.to_csv(tmp_path / f"{number}.csv", index=False)
        part = ["train", "train", "train", "val", "test", "test"][number]
        rows.append({"path": f"{number}.wav", "trace": f"{number}.csv", "split": part})
    rows[-1]["trace"] = ""
    pd.DataFrame(rows).to_csv(tmp_path / "recordings.csv", index=False)
    window = {"length": 1.6, "hop": 1.6, "step": STEP}
    sound_reader = {"sample_rate": 16000, "length": 1.6}
    data = {
        "manifest": str(tmp_path / "recordings.csv"),
        "dimensions": ["arousal"],
        "step": STEP,
        "cache": str(tmp_path / "cache"),
        "split": "official",
        "batch_size": 4,
        "workers": 0,
        "windows": {"class_path": "SlidingWindows", "init_args": window},
        "extractors": {"audio": {"class_path": "Waveform", "init_args": sound_reader}},
    }
    encoder = {"class_path": "RawWaveformEncoder", "init_args": {"step": 1280}}
    model = {
        "encoders": {"audio": encoder},
        "fusion": {"class_path": "RecurrentFusion", "init_args": SMALL},
        "objectives": {"ccc": {"class_path": "Concordance"}},
    }
    stage = {"epochs": 1, "objectives": ["ccc"], "monitor": "val/fused/ccc"}
    config = {
        "trainer": {"accelerator": "cpu", "devices": 1, "enable_progress_bar": False},
        "model": {"class_path": "RegressionTask", "init_args": model},
        "data": {"class_path": "Manifest", "init_args": data},
        "training": {"stages": {"joint": stage}},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    sys.argv = ["emorec"]
    main(["fit", "--config", str(tmp_path / "config.yaml"), "--run", str(tmp_path / "run")])
    return tmp_path / "run"


def test_a_manifest_of_traces_is_trained_tested_and_predicted(run: Path) -> None:
    tested = pd.read_csv(run / "predictions.csv")
    assert tested["recording"].unique().tolist() == ["4.wav", "5.wav"]
    judged = tested[tested["recording"] == "4.wav"]
    assert judged["gold_arousal"].notna().sum() > 40
    unlabelled = tested[tested["recording"] == "5.wav"]
    assert unlabelled["gold_arousal"].isna().all()
    assert unlabelled["arousal"].notna().all()
    predictor = Predictor.from_checkpoint(run / "checkpoints/best.ckpt", "cpu")
    assert predictor.model.target == Values(["arousal"], STEP)
    for name, rows in tested.groupby("recording"):
        found = predictor.trace(run.parent / str(name))
        assert found.values.shape == (round(SECONDS / STEP), 1)
        np.testing.assert_allclose(found.values[:, 0], rows["arousal"], atol=1e-4)
        assert found.alone == {}
