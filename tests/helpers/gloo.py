"""Lightning on several gloo processes of this machine, as a launcher would start them."""

import os
import uuid
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
    # Processes meet at a file: a port could be somebody else's by the time they have started.
    meet = folder / f"meet_{uuid.uuid4().hex}"
    spawn(_rank, (work, world, str(folder), str(meet)), nprocs=world)  # type: ignore[no-untyped-call]
    return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in range(world)]


def _rank(rank: int, work: Work, world: int, folder: str, meet: str) -> None:
    torch.set_num_threads(1)
    os.environ |= {
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(world),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "0",  # Lightning wants one, and uses the group that is there
    }
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{meet}", rank=rank, world_size=world
    )
    torch.save(work(Path(folder), world), Path(folder) / f"rank{rank}.pt")
    torch.distributed.destroy_process_group()
