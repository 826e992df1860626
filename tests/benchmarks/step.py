"""A training step of the paper's model on one device: where its time goes, and what helps.

    python -m tests.benchmarks.step                       # on a GPU: minutes
    python -m tests.benchmarks.step --backbone resnet18 --batches 8 --faces 94 --steps 2   # a CPU

For each size of face it measures a step with a batch that lies on the device, from eager float32
to compiled bfloat16 with CUDA graphs; then larger batches, the same with the loader, and a table
of the profiler. On an H200 times are set against what its memory bandwidth allows (computed, with
relu and add fused, for ResNet-50 and 90 segments).
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader

from emorec.callbacks import ChannelsLast, Compile
from emorec.data.segments import as_is
from emorec.functional import soft_hgr_pairs
from emorec.tasks import ClassificationTask
from emorec.types import SegmentBatch
from tests.benchmarks.test_loader import cached_segments
from tests.benchmarks.test_training_step import loss_of, model, segments

BOUND_MS = {94: 2.6, 224: 7.9}  # H200, 90 segments, 94-pixel log-mel beside this face
WAYS = ("float32", "bfloat16", "channels last", "compiled", "CUDA graphs")  # each adds to the last


@dataclass(frozen=True)
class Settings:
    """What is measured; see the options of the command."""

    backbone: str
    batches: list[int]
    faces: list[int]
    steps: int
    workers: int
    device: str


class Step:
    """One way of training: forward, backward and Adam."""

    def __init__(self, settings: Settings, way: str) -> None:
        torch.compiler.reset()
        self.device, level = settings.device, WAYS.index(way)
        self.task: ClassificationTask = model(settings.backbone).to(self.device)
        self.half = level >= 1
        if level >= 2:
            ChannelsLast().setup(None, self.task, "fit")  # type: ignore[arg-type]
        if level >= 3:
            mode = "reduce-overhead" if level == 4 else "default"
            Compile(mode).setup(None, self.task, "fit")  # type: ignore[arg-type]
        fused = self.device == "cuda"
        self.optimizer = torch.optim.Adam(self.task.parameters(), lr=1e-3, fused=fused)

    def __call__(self, batch: SegmentBatch) -> Tensor:
        """Train on a batch."""
        self.optimizer.zero_grad()
        with torch.autocast(self.device, torch.bfloat16, enabled=self.half):
            loss = loss_of(self.task, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.detach()


def milliseconds(step: Step, batches: Iterator[SegmentBatch], steps: int) -> float:
    """Return the median time of a step, after as many to warm up."""
    times = []
    for _ in range(2 * steps + 1):
        start = time.perf_counter()
        step(next(batches).to(step.device))
        if step.device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return 1000 * median(times[steps:][1:] or times)


def main(settings: Settings) -> None:
    """Print all tables."""
    gpu = settings.device == "cuda"
    name = torch.cuda.get_device_name() if gpu else "CPU, one thread"
    print(f"{name}, torch {torch.__version__}, {settings.backbone} pair, {settings.steps} steps")
    if not gpu:
        torch.set_num_threads(1)
    first, *larger = settings.batches
    for face in settings.faces:
        print(f"\nface {face} px, log-mel 94 px, batch {first}, on the device")
        batch = segments(first, face).to(settings.device)
        for way in WAYS[: 5 if gpu else 4]:
            took = milliseconds(Step(settings, way), cycle([batch]), settings.steps)
            line = f"  {way:14} {took:9.2f} ms  {1000 * first / took:8.0f} segments/s"
            if "H200" in name and settings.backbone == "resnet50" and first == 90:
                line += f"  {took / BOUND_MS[face]:5.2f} x the bound"
            print(line, flush=True)
        best = Step(settings, "CUDA graphs" if gpu else "channels last")
        print("larger batches")
        for size in larger:
            if gpu:
                torch.cuda.reset_peak_memory_stats()
            took = milliseconds(best, cycle([segments(size, face).to(best.device)]), settings.steps)
            peak = f"  {torch.cuda.max_memory_allocated() / 2**30:6.1f} GiB" if gpu else ""
            print(f"  {size:5} {took:9.2f} ms  {1000 * size / took:8.0f} segments/s{peak}")
        with_loader(settings, face, first)
    loss_alone(settings)
    shares(settings)


def loss_alone(settings: Settings) -> None:
    """Print the time of soft-HGR of three sets, forward and backward, in each precision."""
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        sets = [
            torch.randn(settings.batches[0], 512, device=settings.device, dtype=dtype)
            for _ in range(3)
        ]
        times = []
        for _ in range(2 * settings.steps + 1):
            start = time.perf_counter()
            leaves = [x.requires_grad_() for x in sets]
            soft_hgr_pairs(leaves)[0].sum().backward()  # type: ignore[no-untyped-call]
            if settings.device == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
        took = 1000 * median(times[settings.steps :])
        print(f"soft-HGR of 3 sets of {settings.batches[0]} x 512 alone, {dtype}: {took:.2f} ms")


def with_loader(settings: Settings, face: int, size: int) -> None:
    """Print the time of a step whose batches come from the cache through worker processes."""
    with tempfile.TemporaryDirectory() as folder:
        data = cached_segments(Path(folder), max(4, 20 * size // 30), face)
        loader = DataLoader(
            data,
            size,
            shuffle=True,
            drop_last=True,
            num_workers=settings.workers,
            persistent_workers=settings.workers > 0,
            collate_fn=as_is,  # type: ignore[arg-type]
            pin_memory=settings.device == "cuda",
        )
        step = Step(settings, "compiled" if settings.device == "cuda" else "channels last")
        endless = (batch for _ in iter(int, 1) for batch in loader)
        took = milliseconds(step, endless, settings.steps)
        print(f"with the loader, {settings.workers} workers: {took:.2f} ms")


def shares(settings: Settings) -> None:
    """Print the profiler's table of one way."""
    step = Step(settings, "channels last")
    batch = segments(settings.batches[0], settings.faces[-1]).to(settings.device)
    step(batch)
    kinds = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (settings.device == "cuda")
    with profile(activities=kinds) as found:
        step(batch)
    order = "self_cuda_time_total" if settings.device == "cuda" else "self_cpu_time_total"
    print(found.key_averages().table(sort_by=order, row_limit=15, max_name_column_width=50))


def parse() -> Settings:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.step", description=__doc__)
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--batches", type=int, nargs="+", default=[90, 180, 360, 720])
    parser.add_argument("--faces", type=int, nargs="+", default=[94, 224], help="pixels")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--workers", type=int, default=2)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=device, choices=("cuda", "cpu"))
    return Settings(**vars(parser.parse_args()))


if __name__ == "__main__":
    main(parse())
