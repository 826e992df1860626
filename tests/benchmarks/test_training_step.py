"""One training step of the paper's model: precisions, layouts, and the Trainer (`make bench`).

On a GPU where there is one, with the paper's batch of 90; else on one thread of the CPU with 8.
"""

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.utils.data import DataLoader

from emorec.callbacks import ChannelsLast, Compile
from emorec.data.segments import as_is
from emorec.encoders import ImageEncoder, OneHotLabelEncoder
from emorec.fusion import ConcatFusion
from emorec.objectives import CrossEntropy, SoftHGR
from emorec.tasks import ClassificationTask
from emorec.tasks.standardise import Standardise
from emorec.types import SegmentBatch, Sizes

CLASSES = [f"class{i}" for i in range(6)]
GPU = torch.cuda.is_available()
DEVICE, BATCH = ("cuda", 90) if GPU else ("cpu", 8)
SIDES = ["float32", "bfloat16", "bfloat16, channels last"]
SIDES += ["bfloat16, channels last, compiled"] * GPU


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def model(backbone: str) -> ClassificationTask:
    """Return the joint stage's model: two backbones, concatenation, cross-entropy and soft-HGR."""

    def fusion(sizes: Sizes) -> ConcatFusion:
        return ConcatFusion(sizes, layers=1, width=512)

    task = ClassificationTask(
        {name: ImageEncoder(backbone, dim=512) for name in ("audio", "face")},
        fusion,
        {"category": CrossEntropy, "hgr": lambda sizes: SoftHGR(sizes, weight=0.1)},
        {"emotion": CLASSES},
        label_encoder=OneHotLabelEncoder,
    )
    task.configure_model()
    for module in task.standardise.values():
        assert isinstance(module, Standardise)
        module.set(np.zeros((), np.float32), np.ones((), np.float32))
    task.active = {"category": 1.0, "hgr": 0.1}
    return task


def segments(count: int, face: int) -> SegmentBatch:
    """Return random segments: 94 x 94 log-mels and square faces."""
    here = torch.ones(count, dtype=torch.bool)
    inputs = {"audio": torch.randn(count, 3, 94, 94), "face": torch.randn(count, 3, face, face)}
    number = torch.arange(count)
    targets, labelled = {"emotion": number % 6}, {"emotion": here}
    present = dict.fromkeys(inputs, here)
    return SegmentBatch(inputs, present, targets, labelled, clip=number, index=number)


def loss_of(task: ClassificationTask, batch: SegmentBatch) -> torch.Tensor:
    """Return the loss of a batch, without logging."""
    return task.losses(task.with_label(task(batch), batch), batch)[0]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("face", [94, 224])
def test_precision_and_layout(benchmark: Any, side: str, face: int) -> None:
    benchmark.group = f"ResNet-50 pair, {BATCH} segments, 94 px log-mel, {face} px face, {DEVICE}"
    task, batch = model("resnet50").to(DEVICE), segments(BATCH, face).to(DEVICE)
    if "channels last" in side:
        ChannelsLast().setup(None, task, "fit")  # type: ignore[arg-type]
    if "compiled" in side:
        Compile().setup(None, task, "fit")  # type: ignore[arg-type]
    optimizer = torch.optim.Adam(task.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast(DEVICE, torch.bfloat16, enabled="bfloat16" in side):
            loss = loss_of(task, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if GPU:
            torch.cuda.synchronize()

    run: Callable[..., None] = benchmark.pedantic
    run(step, rounds=30 if GPU else 4, warmup_rounds=5 if GPU else 1)
    if GPU:
        benchmark.extra_info["peak GiB"] = torch.cuda.max_memory_allocated() / 2**30


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
