"""Staged training on two real gloo processes, for test_staged_ranks.py."""

import os
import socket
from pathlib import Path

import torch
from torch.multiprocessing.spawn import spawn

from tests.callbacks.staging import Watch, three_stages, train


def _work(rank: int, world: int, folder: str, port: int) -> None:
    torch.set_num_threads(1)
    os.environ |= {
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(world),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    watch = Watch()
    train(
        Path(folder),
        three_stages(),
        watch,
        devices=world,
        strategy="ddp_find_unused_parameters_true",
        use_distributed_sampler=False,
    )
    found = {"starts": watch.starts, "ends": watch.ends, "scores": watch.scores}
    torch.save(found, Path(folder) / f"rank{rank}.pt")
    torch.distributed.destroy_process_group()


def run_ranks(world: int, folder: Path) -> list[dict[str, list[dict[str, torch.Tensor]]]]:
    """Train on a number of processes and return what each rank saw."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spawn(_work, (world, str(folder), port), nprocs=world)  # type: ignore[no-untyped-call]
    return [torch.load(folder / f"rank{r}.pt", weights_only=True) for r in range(world)]
