"""A training step of the paper's model against what the card allows, and where its time goes.

    python -m tests.gpu.step --out FILE [--tiny]

For each size of face: float32, then bfloat16 and channels last, each added to the last, on a batch
that lies on the device; the profiler's ten greatest; the same with the loader; larger batches and
the memory they take. ``compiled.py`` goes on from there.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._C._autograd import DeviceType
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader

from emorec.callbacks import ChannelsLast, Compile
from emorec.data.segments import as_is
from emorec.tasks import ClassificationTask
from emorec.types import SegmentBatch
from tests.gpu.card import Card, card_here, device_here, finish, needs_of, seconds_of
from tests.gpu.figures import Figures
from tests.helpers.pair import cached_segments, loss_of, model, segments

WAYS = ("float32", "bfloat16", "channels last", "compiled", "CUDA graphs")  # each adds to the last
COMPILED = 3  # the first that is


@dataclass(frozen=True)
class Sizes:
    """What is measured."""

    backbone: str
    batches: tuple[int, ...]
    faces: tuple[int, ...]
    rounds: int
    repeats: int
    workers: int


FULL = Sizes("resnet50", (90, 180, 360, 720), (224, 94), 5, 6, 4)
TINY = Sizes("resnet18", (4, 8), (94,), 1, 1, 1)


class Step:
    """One way of training: forward, backward and Adam."""

    def __init__(self, sizes: Sizes, way: str) -> None:
        torch.compiler.reset()
        self.device, level = device_here(), WAYS.index(way)
        with torch.device(self.device):  # random weights take seconds on a CPU
            task = model(sizes.backbone)
        self.task: ClassificationTask = task.to(self.device)
        self.half = level >= 1
        if level >= 2:
            ChannelsLast().setup(None, self.task, "fit")  # type: ignore[arg-type]
        if level >= COMPILED:
            mode = "reduce-overhead" if level == 4 else "default"
            Compile(mode).setup(None, self.task, "fit")  # type: ignore[arg-type]
        fused = self.device == "cuda"
        self.optimizer = torch.optim.Adam(self.task.parameters(), lr=1e-4, fused=fused)

    def __call__(self, batch: SegmentBatch) -> Tensor:
        """Train on a batch that lies on the device."""
        self.optimizer.zero_grad()
        with torch.autocast(self.device, torch.bfloat16, enabled=self.half):
            loss = loss_of(self.task, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.detach()


def main(figures: Figures, sizes: Sizes, *, tiny: bool) -> None:
    """Measure all; what fails is said in a figure of its own."""
    card = card_here(tiny=tiny)
    figures.add("copy on the device", card.bytes_per_second / 1e12, "TB/s", card.name)
    figures.add("bfloat16 matrix product", card.flops / 1e12, "TFLOP/s")
    for face in sizes.faces:
        part = Part(figures, sizes, face, card)
        part.say_bound()
        for way in WAYS[:COMPILED]:
            part.attempt(f"{part.name}: {way}", part.one_way, way)
        part.attempt(f"{part.name}: profile", part.shares)
        part.attempt(f"{part.name}: loader", part.with_loader)
        for size in sizes.batches[1:]:
            part.attempt(f"{part.name}: {size} segments", part.large, size)


class Part:
    """The measurements with one size of face."""

    def __init__(self, figures: Figures, sizes: Sizes, face: int, card: Card) -> None:
        self.figures, self.sizes, self.face = figures, sizes, face
        self.first = sizes.batches[0]
        self.name = f"{sizes.backbone} pair, 94 + {face} px"
        self.bound = needs_of(sizes.backbone, self.first, face).seconds(card)
        self.batch = self.segments(self.first)

    def say_bound(self) -> None:
        """Report the lower bound."""
        note = f"{self.first} segments; bytes and operations at this card's rates"
        self.figures.add(f"{self.name}: bound", 1000 * self.bound, "ms", note)

    def attempt(self, name: str, work: Callable[..., object], *arguments: Any) -> None:
        """Do a part of the work; an error becomes a figure, and the rest goes on."""
        try:
            work(*arguments)
        except Exception as error:
            lines = str(error).strip().splitlines() or [""]
            self.figures.add(name, None, "", f"{type(error).__name__}: {lines[0][:200]}")

    def segments(self, count: int) -> SegmentBatch:
        """Return random segments that lie on the device."""
        with torch.device(device_here()):
            return segments(count, self.face)

    def one_way(self, way: str) -> Step:
        """Measure one way; the first step, which compiles, on its own."""
        step = Step(self.sizes, way)
        start = time.perf_counter()
        step(self.batch)
        finish(step.device)
        ready = time.perf_counter() - start
        for _ in range(3):  # graphs are recorded in the second and third step
            step(self.batch)
        self.timed(step, way, f"first step {ready:.1f} s")
        return step

    def timed(self, step: Step, way: str, more: str = "") -> None:
        """Measure a step that is ready."""
        sizes = self.sizes
        took = seconds_of(lambda: step(self.batch), step.device, sizes.rounds, sizes.repeats)
        note = f"{self.first / took:.0f} segments/s, {took / self.bound:.2f} x the bound"
        note += f", {more}" if more else ""
        self.figures.add(f"{self.name}: {way}", 1000 * took, "ms", note)

    def large(self, size: int) -> None:
        """Measure a larger batch and its memory."""
        step = Step(self.sizes, "channels last")
        batch = self.segments(size)
        if step.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        took = seconds_of(lambda: step(batch), step.device, self.sizes.rounds, 2)
        note = f"{size / took:.0f} segments/s"
        if step.device == "cuda":
            note += f", {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"
        self.figures.add(f"{self.name}: channels last, {size} segments", 1000 * took, "ms", note)

    def with_loader(self) -> None:
        """Measure a step whose batches come from a cache through worker processes."""
        sizes, workers = self.sizes, self.sizes.workers
        with tempfile.TemporaryDirectory() as folder:
            data = cached_segments(Path(folder), max(4, 20 * self.first // 30), self.face)
            loader = DataLoader(
                data,
                self.first,
                shuffle=True,
                drop_last=True,
                num_workers=workers,
                persistent_workers=True,
                collate_fn=as_is,  # type: ignore[arg-type]
                pin_memory=device_here() == "cuda",
            )
            step, endless = Step(sizes, "channels last"), chain.from_iterable(repeat(loader))

            def train() -> None:
                step(next(endless).to(step.device))

            took = seconds_of(train, step.device, sizes.rounds, sizes.repeats)
        name = f"{self.name}: channels last, loader with {workers} workers"
        self.figures.add(name, 1000 * took, "ms", f"{self.first / took:.0f} segments/s")

    def shares(self) -> None:
        """Report the profiler's ten greatest and how long the device was busy in a step."""
        step = Step(self.sizes, "channels last")
        gpu = step.device == "cuda"
        for _ in range(3):
            step(self.batch)
        finish(step.device)
        with profile(activities=[ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * gpu) as found:
            step(self.batch)
            finish(step.device)
        own = "self_device_time_total" if gpu else "self_cpu_time_total"
        # On a GPU a time stands under the operator and under its kernels: kernels alone count.
        events = [
            (float(getattr(event, own)) / 1000, event)
            for event in found.key_averages()
            if not gpu or event.device_type == DeviceType.CUDA
        ]
        events.sort(key=lambda pair: -pair[0])
        busy = sum(took for took, _ in events)
        self.figures.add(f"{self.name}: channels last, busy", busy, "ms", "sum of its kernels")
        for number, (took, event) in enumerate(events[:10], 1):
            note = f"{event.count} calls, {100 * took / busy:.0f} %: {event.key[:80]}"
            self.figures.add(f"{self.name}: profile {number}", took, "ms", note)


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m tests.gpu.step", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tiny", action="store_true", help="the smallest sizes, for a CPU")
    options = parser.parse_args()
    main(Figures(options.out), TINY if options.tiny else FULL, tiny=options.tiny)
