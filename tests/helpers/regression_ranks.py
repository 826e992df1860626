"""Validating and testing a regression on one to three gloo processes, for its test."""

from pathlib import Path

import torch
from lightning.pytorch import Trainer

from tests.helpers.toy import put_in_force
from tests.helpers.toy_traces import ToyRecordings, toy_regression

Found = dict[str, torch.Tensor]


def evaluate(folder: Path, world: int) -> Found:
    """Validate and test on a number of processes, this being one, and return what was found."""
    task = toy_regression()
    data = ToyRecordings(folder.parent / "media", recordings=12)
    trainer = Trainer(
        accelerator="cpu",
        devices=world,
        strategy="ddp" if world > 1 else "auto",
        use_distributed_sampler=False,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    trainer.validate(task, datamodule=data, verbose=False)
    put_in_force(task, objectives=dict.fromkeys(task.model.objectives, 1.0))
    # Losses are means over batches, which are others on several processes.
    kinds = tuple(f"val/{name}/ccc" for name in ("fused", "audio", "face"))
    logged = trainer.callback_metrics.items()
    kept = {key: value.double() for key, value in logged if key.startswith(kinds)}
    task.decision.fit(task.validation_results["fused"], data.traces["affect"])
    kept["chain"] = task.decision.chain
    trainer.test(task, datamodule=data, verbose=False)
    for name, traces in task.test_results.items():
        for clip, trace in traces.items():
            kept[f"{name} {clip}"] = torch.from_numpy(trace)
    return kept
