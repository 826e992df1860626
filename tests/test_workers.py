"""Worker processes: how they start, and that nothing is left to do after a Ctrl-C."""

import time
from concurrent.futures import Future
from pathlib import Path

import cv2
import pytest
import torch

from emorec.workers import one_thread, worker_pool

_given: list[str] = []


def take(value: str) -> None:
    _given.append(value)


def look(folder: Path, number: int) -> tuple[list[str], int]:
    (folder / str(number)).touch()
    time.sleep(0.1)
    return _given, torch.get_num_threads()


@pytest.mark.slow
def test_workers_are_set_up_and_an_interrupt_drops_what_is_queued(tmp_path: Path) -> None:
    queued = 600  # a minute of work
    futures: list[Future[tuple[list[str], int]]] = []

    def interrupted() -> None:
        with worker_pool(1, take, "a source") as pool:
            futures.extend(pool.submit(look, tmp_path, i) for i in range(queued))
            assert futures[0].result() == (["a source"], 1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert all(future.done() for future in futures)
    assert len(list(tmp_path.iterdir())) < queued / 2


def test_one_thread_limits_torch_and_opencv() -> None:
    before = torch.get_num_threads(), cv2.getNumThreads()
    try:
        one_thread()
        assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1)
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
