"""One training step of the paper's model on a CPU: precisions, layouts, Trainer (`make bench`).

On one thread and with 8 segments; ``tests/gpu/step.py`` is for a GPU.
"""

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.utils.data import DataLoader

from emorec.callbacks import ChannelsLast
from emorec.data.segments import as_is
from tests.helpers.pair import loss_of, model, segments

BATCH = 8
SIDES = ["float32", "bfloat16", "bfloat16, channels last"]


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("face", [94, 224])
def test_precision_and_layout(benchmark: Any, side: str, face: int) -> None:
    benchmark.group = f"ResNet-50 pair, {BATCH} segments, 94 px log-mel, {face} px face"
    task, batch = model("resnet50"), segments(BATCH, face)
    if "channels last" in side:
        ChannelsLast().setup(None, task, "fit")  # type: ignore[arg-type]
    optimizer = torch.optim.Adam(task.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled="bfloat16" in side):
            loss = loss_of(task, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    run: Callable[..., None] = benchmark.pedantic
    run(step, rounds=4, warmup_rounds=1)


class Clock(Callback):
    """The times at which steps ended."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self.times.append(time.perf_counter())


def test_the_trainer_against_a_bare_loop(tmp_path: Path) -> None:
    steps, batch = 12, segments(16, 94)
    ratios = []
    for _ in range(3):
        task = model("resnet18")
        optimizer = torch.optim.Adam(task.parameters(), lr=1e-3)
        bare = []
        for _ in range(steps):
            optimizer.zero_grad()
            loss_of(task, batch).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            bare.append(time.perf_counter())
        clock = Clock()
        trainer = Trainer(
            accelerator="cpu",
            max_epochs=1,
            callbacks=[clock],
            default_root_dir=tmp_path,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
        )
        same: Any = as_is
        batches: Any = [batch] * steps  # a list alone would be taken for several loaders
        trainer.fit(model("resnet18"), DataLoader(batches, batch_size=None, collate_fn=same))
        mine, other = (median(b - a for a, b in pairwise(t)) for t in (clock.times, bare))
        ratios.append(mine / other)
    print(f"\nTrainer against a bare loop, ResNet-18 pair, 16 segments: {sorted(ratios)[1]:.3f}")
