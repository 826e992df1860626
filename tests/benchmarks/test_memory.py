"""What a training step keeps for backward, a segment (`make bench`): how large a batch fits."""

import pytest
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from tests.helpers.pair import loss_of, model, segments


def kept(face: int, *, bfloat16: bool) -> float:
    """Return MiB a segment of activations; weights do not count."""
    task, count = model("resnet50"), 4
    storages: dict[int, int] = {}
    weights = {p.untyped_storage().data_ptr() for p in task.parameters()}

    def see(x: Tensor) -> Tensor:
        storage = x.untyped_storage()
        if storage.data_ptr() not in weights:
            storages[storage.data_ptr()] = storage.nbytes()
        return x

    with (
        saved_tensors_hooks(see, lambda x: x),
        torch.autocast("cpu", torch.bfloat16, enabled=bfloat16),
    ):
        loss = loss_of(task, segments(count, face))
    # The copies of weights that autocast makes are kept, too, once a step.
    cast = sum(p.numel() * 2 for p in task.parameters()) if bfloat16 else 0
    assert loss.requires_grad
    return (sum(storages.values()) - cast) / count / 2**20


@pytest.mark.parametrize("face", [94, 224])
def test_activations(face: int) -> None:
    single, half = kept(face, bfloat16=False), kept(face, bfloat16=True)
    print(
        f"\nResNet-50 pair, 94 px log-mel, {face} px face: {single:.0f} MiB a segment in float32, "
        f"{half:.0f} in bfloat16; {24 * 1024 / half:.0f} segments in 24 GiB"
    )
    assert half < single
