"""Epochs of a frozen encoder whose outputs are remembered, against running it (`make bench`)."""

import time
from statistics import median
from typing import Any

import pytest
import torch

from emorec.encoders import SpeakerEncoder
from emorec.fusion import ConcatFusion
from emorec.objectives import CrossEntropy
from emorec.tasks import ClassificationTask
from emorec.types import Classes, SegmentBatch
from tests.helpers.pair import loss_of
from tests.helpers.toy import put_in_force

WINDOWS, BATCH, EPOCHS = 128, 32, 5
SAMPLES = 3 * 16000


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def seconds(remember: bool) -> list[float]:
    """Return the time of each epoch over the same windows of three seconds."""
    torch.manual_seed(0)
    task = ClassificationTask(
        {"voice": SpeakerEncoder(weights="none", dim=64)},
        lambda sizes: ConcatFusion(sizes, layers=1, width=64),
        {"category": CrossEntropy},
        {"emotion": Classes([f"class{i}" for i in range(6)])},
    )
    put_in_force(task, objectives={"category": 1.0})
    task.model.remember(same_inputs=remember)
    sound, number = 0.1 * torch.randn(WINDOWS, SAMPLES), torch.arange(WINDOWS)
    optimizer = torch.optim.Adam(task.parameters(), lr=1e-3)
    found = []
    for _ in range(EPOCHS):
        start = time.perf_counter()
        for rows in torch.randperm(WINDOWS).view(-1, BATCH):
            here = torch.ones(len(rows), dtype=torch.bool)
            batch = SegmentBatch(
                {"voice": sound[rows]},
                {"voice": here},
                {"emotion": number[rows] % 6},
                {"emotion": here},
                clip=number[rows],
                index=torch.zeros_like(rows),
            )
            optimizer.zero_grad()
            loss_of(task, batch).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        found.append(time.perf_counter() - start)
    return found


def test_epochs_with_a_memo_against_epochs_without() -> None:
    plain, remembered = seconds(False), seconds(True)
    first = remembered[0] / median(plain)
    later = median(plain) / median(remembered[1:])
    print(
        f"\nfrozen speaker encoder, {WINDOWS} windows of 3 s: first epoch {first:.2f} of an epoch "
        f"without memo ({median(plain):.1f} s), later ones {later:.0f}x faster"
    )
