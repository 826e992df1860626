"""Worker processes: how they start, and that they end on Ctrl-C."""

import signal
import threading
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import cv2
import pytest
import torch

from emorec.system.workers import TimeLimitError, one_thread, time_limit, worker_pool

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


def deaf(_: str) -> None:
    """Hang like a library call that no signal interrupts."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    with time_limit(0.2):
        time.sleep(60)


def stubborn() -> None:
    """Continue after any error, as some libraries do."""
    while True:
        try:
            threading.Event().wait()
        except Exception:
            continue


def test_work_that_takes_too_long_is_ended() -> None:
    start = time.monotonic()
    with pytest.raises(TimeLimitError), time_limit(0.2):
        threading.Event().wait()
    assert time.monotonic() - start < 30
    with pytest.raises(TimeLimitError), time_limit(0.2):
        stubborn()
    with time_limit(2):
        pass
    time.sleep(2.5)  # a leftover timer would end this test


def test_a_timer_already_running_is_resumed() -> None:
    fired = []
    before = signal.signal(signal.SIGALRM, lambda *_: fired.append(True))
    others, _ = signal.setitimer(signal.ITIMER_REAL, 2)
    try:
        with time_limit(10):
            pass
        end = time.monotonic() + 60
        while not fired and time.monotonic() < end:
            time.sleep(0.1)
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, others)
    assert fired == [True]


def test_a_worker_that_hangs_in_a_library_ends_itself() -> None:
    with worker_pool(1) as pool, pytest.raises(BrokenProcessPool):
        pool.submit(deaf, "").result(timeout=300)


def test_one_thread_limits_torch_and_opencv() -> None:
    before = torch.get_num_threads(), cv2.getNumThreads()
    try:
        one_thread()
        assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1)
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
