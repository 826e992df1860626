"""Running the same model faster."""

from collections.abc import Callable

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from emorec.encoders import Encoder
from emorec.tasks import task_of

FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


class ChannelsLast(Callback):
    """Stores convolutions channels last, which is faster on tensor cores and in bfloat16 on CPUs.

    Results differ only by rounding; checkpoints are the same.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Convert the encoders; inputs follow at their first convolution."""
        for parameter in task_of(pl_module).model.encoders.parameters():
            if parameter.ndim in FORMATS:  # of two- and three-dimensional convolutions
                layout = FORMATS[parameter.ndim]
                parameter.data = parameter.data.contiguous(memory_format=layout)


class Compile(Callback):
    """Compiles the encoders with ``torch.compile`` for full training batches.

    Everything else runs uncompiled, as each new shape would be compiled again: losses,
    validation, an epoch's smaller last batch, and modalities absent in some rows of a batch. If
    most batches have absent rows, it does not help. The first steps are slow: about a minute for a
    ResNet-50 on a GPU, minutes on a CPU.

    It helps most for small batches with mode ``reduce-overhead``, where a GPU would wait for kernel
    launches. ``docs/measured.md`` has figures.

    Args:
        mode: ``default``, ``reduce-overhead`` (CUDA graphs) or ``max-autotune``.
    """

    def __init__(self, mode: str = "default") -> None:
        self.mode = mode

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Add compiled versions of the encoders; parameters and checkpoints are the same."""
        model = task_of(pl_module).model
        for name in model.encoders:
            model.compiled[name] = _WholeBatches(model.encoder(name), self.mode)


class _WholeBatches:
    """An encoder compiled for the largest batch so far; other batches run uncompiled."""

    def __init__(self, encoder: Encoder, mode: str) -> None:
        self.encoder, self.shape = encoder, torch.Size()
        # Else the face's size, after the log-mel's, would be treated as dynamic.
        self.compiled = torch.compile(encoder, mode=mode, dynamic=False)

    def __call__(self, x: Tensor) -> Tensor:
        run: Callable[[Tensor], Tensor] = self.encoder
        if self.encoder.training:
            self.shape = max(self.shape, x.shape)
            run = self.compiled if x.shape == self.shape else self.encoder
        return run(x)
