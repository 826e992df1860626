"""Training speed, and time spent waiting for data."""

import time
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer


class Throughput(Callback):
    """Logs the speed of each training epoch, without validation.

    ``speed/segments_per_second`` (over all ranks), ``speed/waiting_for_data`` (share of the time
    spent between steps, 0 to 1: near 0 if the loader keeps up) and, on a GPU,
    ``speed/gpu_memory_gib`` (peak memory of tensors).
    """

    def __init__(self) -> None:
        self.start = self.last = self.waited = 0.0
        self.segments = 0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self.start = self.last = time.perf_counter()
        self.waited, self.segments = 0.0, 0
        if pl_module.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(pl_module.device)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Count the time since the last step as waiting."""
        self.waited += time.perf_counter() - self.last

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the step's segments."""
        self.segments += len(batch)
        self.last = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the values."""
        elapsed = self.last - self.start
        if elapsed <= 0:
            return
        values = {
            "speed/segments_per_second": self.segments * trainer.world_size / elapsed,
            "speed/waiting_for_data": self.waited / elapsed,
        }
        if pl_module.device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(pl_module.device)
            values["speed/gpu_memory_gib"] = peak / 2**30
        pl_module.log_dict(values, rank_zero_only=True)
