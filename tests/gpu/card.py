"""What a device can do at best, and what of it a training step needs: the step's lower bound."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from tests.helpers.pair import model


@dataclass(frozen=True)
class Card:
    """A device and its two rates, both measured.

    Attributes:
        name: As PyTorch reports it.
        device: ``cuda`` or ``cpu``.
        bytes_per_second: Read and written by a large copy on the device.
        flops: Operations a second of a large product of bfloat16 matrices.
    """

    name: str
    device: str
    bytes_per_second: float
    flops: float


@dataclass(frozen=True)
class Needs:
    """What one training step needs at least: bytes moved in device memory, and operations."""

    bytes: float
    flops: float

    def seconds(self, card: Card) -> float:
        """Return the shortest time that a card can take: moving and computing overlap."""
        return max(self.bytes / card.bytes_per_second, self.flops / card.flops)


def device_here() -> str:
    """Return ``cuda`` where PyTorch sees a GPU, else ``cpu``."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def finish(device: str) -> None:
    """Wait until a device has done all that was asked of it."""
    if device == "cuda":
        torch.cuda.synchronize()


def seconds_of(work: Callable[[], object], device: str, rounds: int, repeats: int = 1) -> float:
    """Return the median time of a call, in rounds of several calls with one wait at the end."""
    times = []
    for _ in range(rounds + 1):  # the first one warms up
        finish(device)
        start = time.perf_counter()
        for _ in range(repeats):
            work()
        finish(device)
        times.append((time.perf_counter() - start) / repeats)
    return median(times[1:])


def card_here(*, tiny: bool) -> Card:
    """Measure the device that is here."""
    device = device_here()
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    source = torch.randn(2**20 if tiny else 2**28, device=device)
    target = torch.empty_like(source)
    copy = seconds_of(lambda: target.copy_(source), device, 3, 3)
    moved = 2 * source.nbytes / copy
    side = 256 if tiny else 8192
    a, b = torch.randn(2, side, side, device=device, dtype=torch.bfloat16).unbind()
    product = seconds_of(lambda: a @ b, device, 3, 3)
    return Card(name, device, moved, 2 * side**3 / product)


def needs_of(backbone: str, batch: int, face: int) -> Needs:
    """Count what a step of the paper's model needs in bfloat16, relu and additions fused.

    Each convolution reads its input and writes its output, and backward reads both, the output's
    gradient twice, and writes the input's; batch norm with relu reads its input twice and writes
    its output, and backward reads input and gradient twice and writes one; an addition costs three
    more passes over its output. Adam reads four and writes three numbers of float32 a weight, and
    autocast reads and writes the weights once.
    """
    with torch.device("meta"):
        task = model(backbone)
    counted = _Counted()
    for encoder in task.model.encoders.values():
        for module in encoder.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.register_forward_hook(counted.product)
            if isinstance(module, nn.BatchNorm2d):
                module.register_forward_hook(counted.norm)
            if isinstance(module, BasicBlock | Bottleneck):
                module.register_forward_hook(counted.addition)
    for name, side in (("audio", 94), ("face", face)):
        task.model.encoder(name)(torch.empty(batch, 3, side, side, device="meta"))
    weights = sum(p.numel() for p in task.parameters())
    return Needs(2 * counted.passes + (28 + 6) * weights, counted.flops)


class _Counted:
    """Numbers read or written, and operations, of the layers that were called."""

    def __init__(self) -> None:
        self.passes, self.flops = 0.0, 0.0

    def product(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(module, nn.Conv2d | nn.Linear)
        self.passes += 3 * (inputs[0].numel() + output.numel())
        # Forward, and backward for input and weight: three products of two operations.
        self.flops += 6 * output.numel() * module.weight[0].numel()

    def norm(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self.passes += 8 * output.numel()

    def addition(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self.passes += 3 * output.numel()
