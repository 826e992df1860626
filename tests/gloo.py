"""Lightning on several gloo processes of this machine, as a launcher would start them."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.multiprocessing.spawn import spawn

Work = Callable[[Path, int], Any]
"""A module's function of a folder and the number of processes; returns what torch can save."""


def on_ranks(work: Work, world: int, folder: Path) -> list[Any]:
    """Do some work on a number of processes, one: this one; return what each rank returned."""
    if world == 1:
        return [work(folder, 1)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spawn(_rank, (work, world, str(folder), port), nprocs=world)  # type: ignore[no-untyped-call]
    return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in range(world)]


def _rank(rank: int, work: Work, world: int, folder: str, port: int) -> None:
    torch.set_num_threads(1)
    os.environ |= {
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(world),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    torch.save(work(Path(folder), world), Path(folder) / f"rank{rank}.pt")
    torch.distributed.destroy_process_group()
