"""What torch.compile makes of the losses and of the encoders, on the device."""

import shutil
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from emorec.callbacks import Compile, Stage
from emorec.functional import soft_hgr
from tests.helpers.closeness import distance
from tests.helpers.staging import state_of, train
from tests.helpers.toy import toy_task

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler"),
]


@pytest.mark.parametrize("half", [False, True], ids=["float32", "under autocast"])
def test_soft_hgr_within_a_compiled_function(device: str, half: bool) -> None:
    torch.manual_seed(0)
    layers = torch.nn.Linear(32, 24).to(device), torch.nn.Linear(32, 24).to(device)
    x = torch.randn(90, 32, device=device)

    def loss(x: Tensor) -> Tensor:
        return soft_hgr(layers[0](x), layers[1](x))

    results = []
    torch.compiler.reset()
    for function in (loss, partial(torch.compile(loss))):
        for layer in layers:
            layer.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=half):
            value = function(x)
        value.backward()  # type: ignore[no-untyped-call]
        results.append([value.detach(), *(layer.weight.grad.clone() for layer in layers)])  # type: ignore[union-attr]
    limit = 2e-2 if half else 1e-4
    for plain, compiled in zip(*results, strict=True):
        assert compiled.dtype == torch.float32
        assert distance(compiled, plain.double().cpu()) < limit


@pytest.mark.parametrize("mode", ["default", "reduce-overhead"])
def test_compiled_encoders_train_to_the_same_weights(
    accelerator: str, mode: str, tmp_path: Path
) -> None:
    torch.compiler.reset()
    stages = {
        "audio": Stage(
            2,
            train=["encoders.audio", "objectives.audio_alone"],
            objectives=["audio_alone"],
            modalities=["audio"],
            monitor="val/audio/accuracy",
        ),
        "joint": Stage(3, objectives=["class", "corr"]),
    }
    found = []
    for more in ([], [Compile(mode)]):
        task = toy_task(0, optimizer=partial(torch.optim.SGD, lr=0.05))
        folder = tmp_path / str(len(more))
        found.append(state_of(train(folder, stages, *more, task=task, accelerator=accelerator)[0]))
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, rtol=1e-3, atol=1e-4, msg=name)
