"""Staged training on two real gloo processes, for test_staged_ranks.py."""

from pathlib import Path
from typing import Any

from tests.helpers.staging import Watch, three_stages, train


def fit(folder: Path, world: int) -> dict[str, Any]:
    """Train on a number of processes, this being one, and return what it saw."""
    watch = Watch()
    train(
        folder,
        three_stages(),
        watch,
        devices=world,
        strategy="ddp_find_unused_parameters_true",
        use_distributed_sampler=False,
    )
    return {"starts": watch.starts, "ends": watch.ends, "scores": watch.scores}
