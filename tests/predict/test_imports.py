"""Prediction imports no code that is only needed for training."""

import pytest

from tests.helpers.imports import imported_by

HEAVY = {
    "lightning",
    "torchmetrics",
    "torch._dynamo",
    "torchvision",
    "transformers",
    "matplotlib",
    "pandas",
    "scipy",
    "wandb",
}


@pytest.mark.parametrize("module", ["emorec.predict", "emorec.model", "emorec.predict.checkpoint"])
def test_what_predicts_imports_nothing_that_trains_or_draws(module: str) -> None:
    found = imported_by(module)
    assert "torch" in found
    assert not found & HEAVY


@pytest.mark.parametrize("module", ["emorec.app.analyse", "emorec.explain", "emorec.export"])
def test_what_serves_explains_and_exports_imports_nothing_that_trains(module: str) -> None:
    assert not imported_by(module) & {"lightning", "torchmetrics", "wandb"}


def test_a_task_imports_what_trains() -> None:
    assert {"lightning", "torchmetrics"} <= imported_by("emorec.tasks")
