"""Validating and testing a regression on one to three gloo processes, for its test."""

import os
import socket
from pathlib import Path

import torch
from lightning.pytorch import Trainer
from torch.multiprocessing.spawn import spawn

from tests.toy_traces import ToyRecordings, toy_regression

Found = dict[str, torch.Tensor]


def evaluate(folder: Path, world: int) -> None:
    """Validate and test on a number of processes, this being one, and keep what was found."""
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
    task.active = dict.fromkeys(task.objectives, 1.0)
    # Losses are means over batches, which are others on several processes.
    kinds = tuple(f"val/{name}/ccc" for name in ("fused", "audio", "face"))
    logged = trainer.callback_metrics.items()
    kept = {key: value.double() for key, value in logged if key.startswith(kinds)}
    task.calibrate()
    kept["chain"] = task.chain
    trainer.test(task, datamodule=data, verbose=False)
    for name, traces in task.test_traces.items():
        for clip, trace in traces.items():
            kept[f"{name} {clip}"] = torch.from_numpy(trace)
    rank = int(os.environ.get("LOCAL_RANK", "0")) if world > 1 else 0
    torch.save(kept, folder / f"rank{rank}.pt")


def _work(rank: int, world: int, folder: str, port: int) -> None:
    torch.set_num_threads(1)
    os.environ |= {
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(world),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    evaluate(Path(folder), world)
    torch.distributed.destroy_process_group()


def run(world: int, folder: Path) -> list[Found]:
    """Evaluate on a number of processes and return what each rank found."""
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    if world == 1:
        evaluate(folder, 1)
    else:
        spawn(_work, (world, str(folder), port), nprocs=world)  # type: ignore[no-untyped-call]
    return [torch.load(folder / f"rank{r}.pt", weights_only=True) for r in range(world)]
