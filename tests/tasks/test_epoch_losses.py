"""Losses on covariances are computed over a whole validation epoch, whatever its batches."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from emorec.functional import soft_hgr_pairs
from emorec.objectives import (
    BarlowTwins,
    ConditionalSoftHGR,
    DeepCCA,
    Objective,
    SoftHGR,
    VICReg,
)
from emorec.tasks import ClassificationTask
from emorec.types import FeatureBundle, Sizes
from tests.helpers.staging import three_stages, train
from tests.helpers.toy import DIM, ToyData, toy_batch, toy_objectives, toy_task

PAIRS = ("audio+face", "audio+label", "face+label")


def validated(folder: Path, **options: Any) -> tuple[ClassificationTask, ToyData, dict[str, float]]:
    data = ToyData(folder, clips=60, **options)
    task, _ = train(folder, {"joint": three_stages()["joint"]}, data=data)
    logged = {k: float(v) for k, v in task.trainer.callback_metrics.items() if k.startswith("val/")}
    return task, data, logged


def rows_of(task: ClassificationTask, data: ToyData, pair: str) -> tuple[Tensor, Tensor, Tensor]:
    a, b = pair.split("+")
    bundles = []
    with torch.no_grad():
        for batch in data.val_dataloader():
            bundles.append(task.eval().model.with_label(task(batch), batch))
    f, g = (torch.cat([bundle.features[name] for bundle in bundles]) for name in (a, b))
    return f, g, torch.cat([x.present[a] & x.present[b] for x in bundles])


def test_soft_hgr_of_validation_is_of_all_its_rows(tmp_path: Path) -> None:
    task, data, logged = validated(tmp_path)
    total = 0.0
    for pair in PAIRS:
        f, g, rows = rows_of(task, data, pair)
        wanted = dict(
            zip(("S", "inner", "trace"), map(float, soft_hgr_pairs([f, g], rows)), strict=True)
        )
        for part, value in wanted.items():
            assert logged[f"val/corr/{pair}/{part}"] == pytest.approx(value, abs=1e-4)
        total -= wanted["S"]
    assert logged["val/loss/corr"] == pytest.approx(total, abs=3e-4)
    assert logged["val/loss"] == pytest.approx(
        logged["val/loss/class"] + 0.1 * logged["val/loss/corr"], abs=1e-4
    )


def test_the_size_of_batches_does_not_matter(tmp_path: Path) -> None:
    task, data, logged = validated(tmp_path)
    for size in (3, 7, 100):
        data.batch_size = size
        found = task.trainer.validate(task, datamodule=data, verbose=False)[0]
        for name, value in logged.items():
            if name.startswith(("val/corr/", "val/loss")):
                assert found[name] == pytest.approx(value, abs=1e-4), name


@pytest.mark.parametrize("kind", [SoftHGR, DeepCCA, BarlowTwins, VICReg, ConditionalSoftHGR])
def test_what_was_observed_batch_by_batch_is_one_batch(kind: type[Objective]) -> None:
    torch.manual_seed(0)
    sizes = Sizes({"audio": DIM, "face": DIM, "fused": DIM}, {"emotion": 3})
    whole = toy_batch(40, face=[row % 5 > 0 for row in range(40)])
    features = {name: torch.randn(40, DIM) for name in ("audio", "face", "fused")}
    bundle = FeatureBundle(features, {**whole.present}, torch.zeros(40, 3))
    objective = kind(sizes)
    objective.set_speakers(torch.arange(20) % 4)
    wanted = objective(bundle, whole)
    parts = dict(objective.parts)
    objective.parts = {}
    for start in range(0, 40, 8):
        part = slice(start, start + 8)
        few = FeatureBundle(
            {n: x[part] for n, x in features.items()},
            {n: x[part] for n, x in bundle.present.items()},
            bundle.output[part],
        )
        objective.observe(few, whole.rows(part))
    torch.testing.assert_close(objective.observed(), wanted.detach())
    for name, value in parts.items():
        torch.testing.assert_close(objective.parts[name], value)


def test_an_epoch_does_not_see_what_an_earlier_one_kept(tmp_path: Path) -> None:
    task, data, logged = validated(tmp_path)
    batch = next(iter(data.val_dataloader()))
    with torch.no_grad():
        task.model.objective("corr").observe(
            task.eval().model.with_label(task(batch), batch), batch
        )
    found = task.trainer.validate(task, datamodule=data, verbose=False)[0]
    assert found["val/loss/corr"] == pytest.approx(logged["val/loss/corr"], abs=1e-4)


def test_losses_of_batches_have_no_epoch_value() -> None:
    task = toy_task(objectives={"class": toy_objectives()["class"], "corr": partial(SoftHGR)})
    with pytest.raises(TypeError, match="computed per batch"):
        task.model.objective("class").observed()


@pytest.mark.parametrize("precision", ["bf16-mixed", "32-true"])
def test_layers_of_a_loss_are_validated_in_the_precision_of_training(
    tmp_path: Path, precision: str
) -> None:
    objectives = {**toy_objectives(), "corr": partial(SoftHGR, weight=0.1, projection=4)}
    task = toy_task(objectives=objectives)
    stages = {"joint": three_stages()["joint"]}
    train(tmp_path, stages, task=task, data=ToyData(tmp_path), precision=precision)
    assert "val/corr/audio+face/S" in task.trainer.callback_metrics
