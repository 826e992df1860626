"""Staged training in double precision on one to three processes, for test_equal_ranks.py."""

from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn

from emorec.callbacks import Stage
from emorec.encoders import Encoder
from emorec.evaluation.clips import clip_metrics
from tests.helpers.staging import Watch, train
from tests.helpers.toy import DIM, WIDTH, ToyData, toy_task

TOTAL = 12  # segments of a batch, over all ranks
Found = dict[str, list[dict[str, Tensor]]]


class PlainEncoder(Encoder):
    """Without batch norm, whose statistics are each rank's own on the CPU."""

    def __init__(self) -> None:
        super().__init__()
        self.dim = DIM
        self.layers = nn.Sequential(nn.Linear(WIDTH, 8), nn.Tanh(), nn.Linear(8, DIM))

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.layers(x)
        return features


class Losses(Callback):
    """Keeps what each step logged of the losses."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Tensor]] = []

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Keep; the scale of the features, a mean of the ranks' own, is left out."""
        logged = trainer.callback_metrics.items()
        self.steps.append(
            {k: v for k, v in logged if k.endswith("_step") and not k.startswith("train/scale")}
        )


def stages() -> dict[str, Stage]:
    """Return two unimodal stages and a joint one whose correlation warms up."""
    return {
        name: Stage(
            2,
            train=[f"encoders.{name}", f"objectives.{name}_alone"],
            objectives=[f"{name}_alone"],
            modalities=[name],
            monitor=f"val/{name}/accuracy",
        )
        for name in ("audio", "face")
    } | {"joint": Stage(3, objectives=["class", "corr"], warmup={"corr": 4})}


def data(folder: Path, world: int) -> ToyData:
    """Return clips of which half have labels; the last batch of an epoch has one segment."""
    return ToyData(
        folder, clips=16, windows=5, batch_size=TOTAL // world, labelled_share=0.5, seed=0
    )


def fit(folder: Path, world: int) -> Found:
    """Train on a number of processes, this being one, and return what each epoch left."""
    torch.manual_seed(0)
    watch, losses = Watch(), Losses()
    task = toy_task(
        encoders={"audio": PlainEncoder(), "face": PlainEncoder()},
        optimizer=partial(torch.optim.AdamW, lr=0.02, weight_decay=0.1),
    )
    trained, _ = train(
        folder,
        stages(),
        watch,
        losses,
        task=task,
        data=data(folder, world),
        devices=world,
        strategy="ddp_find_unused_parameters_true" if world > 1 else "auto",
        use_distributed_sampler=False,
        precision="64-true",
        gradient_clip_val=0.5,
    )
    trained.trainer.test(trained, datamodule=data(folder, world), verbose=False)
    votes = trained.test_results["fused"]
    metrics = clip_metrics(votes, 3)
    tested = {"scores": votes.scores, "accuracy": torch.tensor(metrics.scores["accuracy"])}
    tested["uar"] = torch.tensor(metrics.scores["uar"])
    return {"ends": watch.ends, "steps": losses.steps, "test": [tested]}
