"""Whole objectives on rows of their own of one to three gloo processes, for test_ranks.py."""

import os
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from emorec.objectives import MMD, Concordance, Objective
from emorec.testing import toy_batch, toy_bundle
from emorec.types import FeatureBundle, SegmentBatch, Sizes

Found = dict[str, Tensor]
OWNER = torch.tensor([0, 0, 1, 0, 2, 0, 1, 0, 0, 0, 1, 0] * 2)  # of 24 rows, on three processes
AFFECT = Sizes({"audio": 6, "face": 5, "fused": 4}, {"affect": 2})
EMOTION = Sizes({"audio": 5, "face": 5, "fused": 4}, {"emotion": 4})


def compute(folder: Path, world: int) -> Found:
    """Return each objective's value on all rows, and its gradient for the whole batch.

    Gradients are means over ranks, as DDP makes them, of zeros where the rows are another rank's.
    """
    rank = int(os.environ["LOCAL_RANK"]) if world > 1 else 0
    found: Found = {}
    blank = {name: torch.zeros(24, 1) for name in ("audio", "face")}
    affect = toy_batch(blank, dimensions=2)
    affect.targets["affect"][OWNER > 0, :, 1] = torch.nan  # one rank alone knows of a dimension
    for name, sizes, batch, objective in (
        ("ccc", AFFECT, affect, Concordance(AFFECT)),
        ("mmd", EMOTION, toy_batch(blank, classes=4), MMD(EMOTION, negative=1.0, apart=True)),
    ):
        torch.manual_seed(rank)  # ranks draw other numbers
        found |= _measure(name, objective, toy_bundle(sizes, batch), batch, rank, world)
    return found


def _measure(
    name: str,
    objective: Objective,
    bundle: FeatureBundle,
    batch: SegmentBatch,
    rank: int,
    world: int,
) -> Found:
    rows = OWNER.clamp(max=world - 1) == rank
    whole = {**bundle.features, "output": bundle.output}
    mine = replace(
        bundle,
        features={key: x[rows] for key, x in bundle.features.items()},
        present={key: x[rows] for key, x in bundle.present.items()},
        output=bundle.output[rows],
    )
    part = replace(
        batch,
        inputs={key: x[rows] for key, x in batch.inputs.items()},
        present={key: x[rows] for key, x in batch.present.items()},
        targets={key: x[rows] for key, x in batch.targets.items()},
        labelled={key: x[rows] for key, x in batch.labelled.items()},
        clip=batch.clip[rows],
        index=batch.index[rows],
    )
    value = objective.train()(mine, part)
    gradients = torch.autograd.grad(value, list(whole.values()), allow_unused=True)
    found = {f"{name}/value": value.detach()}
    for key, gradient in zip(whole, gradients, strict=True):
        if gradient is not None:
            if world > 1:
                dist.all_reduce(gradient)
            found[f"{name}/{key}"] = gradient / world
    return found
