"""Training on the device: the shipped trainer file, resuming, NCCL, compiled encoders."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from emorec.callbacks import ChannelsLast, Stage
from emorec.encoders import ImageEncoder
from emorec.tasks import ClassificationTask
from tests.conftest import Place, smoke
from tests.helpers.staging import OPTIMIZER, State, Stop, state_of, train
from tests.helpers.toy import toy_task

pytestmark = pytest.mark.gpu

# What Lightning and torch say of each other on a GPU.
quiet = pytest.mark.filterwarnings("ignore:.*(lr_scheduler.step|AMP with fp16|find_unused)")


def assert_finished(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["finished"] is True
    assert set(metrics["test"]) == {"audio", "face", "fused"}
    (log,) = run.glob("logs/*/metrics.csv")
    with log.open(newline="") as file:  # pandas cannot tell a NaN from an empty cell
        rows = list(csv.DictReader(file))
    losses = [float(v) for row in rows for k, v in row.items() if "loss" in k and v]
    assert len(losses) > 5
    assert all(map(math.isfinite, losses))


def test_the_smoke_run_with_the_gpu_trainer(gpu_run: Path, device: str) -> None:
    assert_finished(gpu_run)
    (log,) = gpu_run.glob("logs/*/metrics.csv")
    assert ("speed/gpu_memory_gib" in pd.read_csv(log)) == (device == "cuda")


def test_weights_of_a_run_on_the_device_are_read_anywhere(gpu_run: Path) -> None:
    saved = torch.load(gpu_run / "checkpoints/best.ckpt", map_location="cpu", weights_only=True)
    for name, value in saved["state_dict"].items():
        assert torch.isfinite(value).all(), name
        assert value.dtype in (torch.float32, torch.int64, torch.bool), name


@quiet
def test_one_rank_of_the_devices_own_communication(
    accelerator: str, gpu_trainer: list[str], place: Place, tmp_path: Path
) -> None:
    ddp = ["--trainer.strategy=ddp_find_unused_parameters_true", "--trainer.sync_batchnorm=true"]
    if accelerator == "cpu":  # SyncBatchNorm is for GPUs alone
        ddp = ddp[:1]
    smoke(tmp_path / "run", place, *gpu_trainer, *ddp)
    assert_finished(tmp_path / "run")


def stages() -> dict[str, Stage]:
    alone: dict[str, Any] = {
        "train": ["encoders.audio", "objectives.audio_alone"],
        "objectives": ["audio_alone"],
        "modalities": ["audio"],
        "monitor": "val/audio/accuracy",
    }
    joint = Stage(3, objectives=["class", "corr"], warmup={"corr": 5})
    return {"audio": Stage(2, **alone), "joint": joint}


def ended(folder: Path, stop: tuple[int, int] | None, accelerator: str, precision: str) -> State:
    more: dict[str, Any] = {"accelerator": accelerator, "precision": precision}

    def task(seed: int) -> ClassificationTask:
        return toy_task(seed, dropout=0.3, optimizer=OPTIMIZER)

    if stop is None:
        return state_of(train(folder, stages(), task=task(0), **more)[0])
    with pytest.raises(InterruptedError):
        train(folder, stages(), Stop(*stop), task=task(0), **more)
    torch.manual_seed(12345)
    return state_of(train(folder, stages(), task=task(77), resume=True, **more)[0])


@quiet
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
@pytest.mark.parametrize("stop", [(1, 0), (3, 1)], ids=["first stage", "second stage"])
def test_a_resumed_run_ends_with_the_weights_of_a_whole_one(
    accelerator: str, precision: str, stop: tuple[int, int], tmp_path: Path
) -> None:
    whole = ended(tmp_path / "whole", None, accelerator, precision)
    resumed = ended(tmp_path / "resumed", stop, accelerator, precision)
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, rtol=1e-4, atol=1e-5, msg=name)


def test_channels_last_gives_the_same_features(device: str) -> None:
    plain = ImageEncoder("resnet18", dim=8).to(device).eval()
    other = ImageEncoder("resnet18", dim=8).to(device).eval()
    other.load_state_dict(plain.state_dict())
    task = toy_task()
    task.model.encoders["face"] = other
    ChannelsLast().setup(None, task, "fit")  # type: ignore[arg-type]
    x = torch.randn(4, 3, 64, 64, device=device)
    expected = plain(x)
    # Convolutions round to TF32 on a GPU, in another order in another layout.
    assert (other(x) - expected).norm() < 5e-3 * expected.norm()
