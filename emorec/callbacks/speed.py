"""Ways of running the same model faster."""

from collections.abc import Callable

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from emorec.encoders import Encoder
from emorec.tasks import task_of


class ChannelsLast(Callback):
    """Stores convolutions with channels last, which tensor cores and bfloat16 on a CPU prefer.

    Results differ by rounding only; checkpoints are the same.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Convert the encoders; inputs follow at their first convolution."""
        for encoder in task_of(pl_module).model.encoders.values():
            encoder.to(memory_format=torch.channels_last)


class Compile(Callback):
    """Compiles the encoders with ``torch.compile`` for whole batches of training.

    Whatever else there is runs as it is, since each other shape would be compiled anew: losses,
    validation, an epoch's last, smaller batch, and a modality that some rows of a batch do not
    have. Where most batches are such, it does not help. The first steps take long: on a GPU about
    a minute for a ResNet-50, on a CPU minutes.

    Small batches are where it pays, in the mode ``reduce-overhead``: there a GPU waits for the
    next kernel to be started. ``tests/benchmarks/README.md`` has figures.

    Args:
        mode: ``default``, ``reduce-overhead`` (CUDA graphs) or ``max-autotune``.
    """

    def __init__(self, mode: str = "default") -> None:
        self.mode = mode

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Put compiled forms beside the encoders; parameters, and so checkpoints, are the same."""
        model = task_of(pl_module).model
        for name in model.encoders:
            model.compiled[name] = _WholeBatches(model.encoder(name), self.mode)


class _WholeBatches:
    """An encoder, compiled for the largest batch so far; it runs as it is on others."""

    def __init__(self, encoder: Encoder, mode: str) -> None:
        self.encoder, self.shape = encoder, torch.Size()
        # Else the face's size, after the log-mel's, would be taken for one that varies.
        self.compiled = torch.compile(encoder, mode=mode, dynamic=False)

    def __call__(self, x: Tensor) -> Tensor:
        run: Callable[[Tensor], Tensor] = self.encoder
        if self.encoder.training:
            self.shape = max(self.shape, x.shape)
            run = self.compiled if x.shape == self.shape else self.encoder
        return run(x)
