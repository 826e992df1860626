"""Other layouts and compilation give the same model, faster."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback

from emorec.callbacks import ChannelsLast, Compile, Stage, Throughput
from emorec.encoders import C3DA, ImageEncoder
from tests.helpers.staging import train
from tests.helpers.toy import WIDTH, toy_batch, toy_task


def test_channels_last_is_a_layout_of_the_convolutions_and_no_other_result() -> None:
    torch.manual_seed(0)
    encoder = ImageEncoder("shufflenet_v2_x0_5", dim=4, resize=32).eval()
    x = torch.randn(2, 3, 40, 40)
    before = encoder(x)
    task = toy_task()
    task.model.encoders["face"] = encoder
    ChannelsLast().setup(None, task, "fit")  # type: ignore[arg-type]
    convolutions = [m.weight for m in encoder.modules() if isinstance(m, torch.nn.Conv2d)]
    wide = [w for w in convolutions if min(w.shape[1:3]) > 1]
    assert wide
    assert all(w.is_contiguous(memory_format=torch.channels_last) for w in wide)
    torch.testing.assert_close(encoder(x), before, rtol=1e-4, atol=1e-4)


def test_channels_last_takes_three_dimensional_convolutions(tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = C3DA(1 / 32).eval()
    x = torch.rand(2, 8, 1, 16, 16)
    before = encoder(x)
    task = toy_task()
    task.model.encoders["face"] = encoder
    ChannelsLast().setup(None, task, "fit")  # type: ignore[arg-type]
    torch.testing.assert_close(encoder(x), before, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled_encoders_give_the_same_features_under_the_same_names() -> None:
    plain, compiled = toy_task(), toy_task()
    Compile().setup(None, compiled, "fit")  # type: ignore[arg-type]
    assert compiled.state_dict().keys() == plain.state_dict().keys()
    batch = toy_batch(12)
    for name, features in plain.train()(batch).features.items():
        torch.testing.assert_close(compiled.train()(batch).features[name], features)


class Noted:
    """Stands for ``torch.compile``: runs the encoder and notes the shapes."""

    def __init__(self, encoder: Any, **options: Any) -> None:
        self.encoder, self.options = encoder, options
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        self.shapes.append(tuple(x.shape))
        features: torch.Tensor = self.encoder(x)
        return features


def test_only_whole_batches_of_training_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[Noted] = []

    def compile_(encoder: Any, **options: Any) -> Noted:
        noted.append(Noted(encoder, **options))
        return noted[-1]

    monkeypatch.setattr("torch.compile", compile_)
    task = toy_task()
    Compile("reduce-overhead").setup(None, task, "fit")  # type: ignore[arg-type]
    assert [each.options for each in noted] == [{"mode": "reduce-overhead", "dynamic": False}] * 2
    task.train()
    task(toy_batch(12))
    task(toy_batch(12))
    task(toy_batch(7))  # an epoch's last one
    task.eval()(toy_batch(12))
    task.train()
    batch = toy_batch(12)
    batch.present["face"][3] = False
    task(batch)
    audio, face = noted
    assert audio.shapes == [(12, WIDTH)] * 3
    assert face.shapes == [(12, WIDTH)] * 2, "its statistics are of the present rows"


def test_throughput_is_measured_each_epoch(tmp_path: Path) -> None:
    class Look(Callback):
        def __init__(self) -> None:
            self.seen: list[dict[str, float]] = []

        def on_train_epoch_end(self, trainer: object, pl_module: object) -> None:
            metrics = trainer.callback_metrics  # type: ignore[attr-defined]
            names = ("speed/segments_per_second", "speed/waiting_for_data")
            self.seen.append({name: float(metrics[name]) for name in names if name in metrics})

    look = Look()
    train(tmp_path, {"joint": Stage(2, objectives=["class", "corr"])}, Throughput(), look)
    assert len(look.seen) == 2
    for values in look.seen:
        assert values["speed/segments_per_second"] > 1
        assert 0 < values["speed/waiting_for_data"] < 1
