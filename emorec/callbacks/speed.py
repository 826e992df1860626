"""Ways of running the same model faster."""

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from emorec.tasks import EmotionTask


class ChannelsLast(Callback):
    """Stores convolutions with channels last, which tensor cores and bfloat16 on a CPU prefer.

    Results differ by rounding only; checkpoints are the same.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Convert the encoders; inputs follow at their first convolution."""
        if isinstance(pl_module, EmotionTask):
            for encoder in pl_module.encoders.values():
                encoder.to(memory_format=torch.channels_last)


class Compile(Callback):
    """Compiles the encoders with ``torch.compile``; the losses are left as they are.

    The first steps of each stage take long, minutes for ResNet-50 on a CPU.

    Args:
        mode: ``default``, ``reduce-overhead`` (CUDA graphs) or ``max-autotune``.
    """

    def __init__(self, mode: str = "default") -> None:
        self.mode = mode

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Compile in place: names of parameters, and so checkpoints, stay the same."""
        if isinstance(pl_module, EmotionTask):
            for encoder in pl_module.encoders.values():
                encoder.compile(mode=self.mode)
