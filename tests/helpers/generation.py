"""A GAN on the toy set, for its tests."""

from functools import partial
from pathlib import Path
from typing import Any

import torch

from emorec.fusion import ConcatFusion
from emorec.objectives import CrossEntropy
from emorec.tasks import Adversarial, GenerationTask
from emorec.types import Classes
from tests.helpers.toy import CLASSES, DIM, WIDTH, ToyEncoder

SHAPES = {"audio": [WIDTH], "face": [WIDTH]}
Found = dict[str, dict[str, torch.Tensor]]


def toy_gan(seed: int = 0, **changes: Any) -> GenerationTask:
    """Return a task on audio and face with reproducible weights."""
    torch.manual_seed(seed)
    options = {"width": 0.1, "noise": 8, "rate": 2e-3, "decay": 0.9, **changes}
    task = GenerationTask(
        SHAPES,
        Adversarial(**options),
        encoders={"face": ToyEncoder(), "audio": ToyEncoder()},
        fusion=partial(ConcatFusion, width=DIM),
        objectives={"class": CrossEntropy},
        targets={"emotion": Classes(CLASSES)},
        optimizer=partial(torch.optim.Adam, lr=0.01),
    )
    task.hparams.clear()  # as the command line keeps class paths there, and checkpoints no objects
    return task


def losses_of_ranks(folder: Path, world: int) -> Found:
    """Return the gradients of both losses on this rank's rows of a given batch, and the sum."""
    from tests.helpers.toy import toy_batch

    rank = torch.distributed.get_rank() if world > 1 else 0
    task = toy_gan(augment=False, real_pairs=True, weight=0.5).double()
    for critic in task.critics.values():
        critic.eval()  # the vectors of spectral norm stay as they are
    batch = toy_batch(12, face=[True] * 9 + [False] * 3)
    random = torch.Generator().manual_seed(5)
    label = torch.arange(12) % 3
    noise = torch.randn(12, 8, generator=random).double()
    made = {n: torch.randn(12, WIDTH, generator=random).double() for n in SHAPES}
    own = slice(rank, None, world) if world > 1 else slice(None)
    real = {n: batch.inputs[n][own].double() for n in SHAPES}
    part = {n: x[own] for n, x in made.items()}
    for generator in task.generators.values():
        generator.eval()  # statistics of batch norm are each rank's own on the CPU
    found: Found = {}
    for name, (loss, logged) in {
        "critics": task.critic_loss(batch.rows(own), real, part, label[own]),
        "generators": task.generator_loss(noise[own], label[own]),
    }.items():
        task.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        module = task.get_submodule(name)
        gradients = {
            n: torch.zeros_like(p) if p.grad is None else p.grad / world
            for n, p in module.named_parameters()
        }
        if world > 1:
            for gradient in gradients.values():
                torch.distributed.all_reduce(gradient)
        found[name] = {n: g.clone() for n, g in gradients.items()}
        found[f"{name} logged"] = {n: v.clone() for n, v in logged.items() if n.startswith("s")}
    return found
