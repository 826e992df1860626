"""Worker processes for media files: single-threaded, and they end with their parent process."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from multiprocessing.connection import Connection
from typing import Any

import cv2
import torch

_is_worker = False


@contextmanager
def worker_pool(
    workers: int, initializer: Callable[..., None] | None = None, *arguments: Any
) -> Iterator[ProcessPoolExecutor]:
    """Give a pool of processes that ends with this process, even on Ctrl-C or a kill.

    On an exception (Ctrl-C is one), queued tasks are dropped and running ones are terminated, so
    tasks must write files whole or not at all.

    Args:
        workers: Number of processes.
        initializer: Called in each process with ``arguments``.
        arguments: Arguments of the initializer.
    """
    context = multiprocessing.get_context("spawn")  # torch and OpenCV are not fork-safe
    alive, hold = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, context, _start, (alive, initializer, arguments))
    try:
        yield pool
    except BaseException:
        hold.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        hold.close()
        alive.close()


class TimeLimitError(BaseException):
    """A time limit has passed; not an ``Exception``, so that no library swallows it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limit the time of a block: a damaged file can make a decoder run forever.

    Python code is interrupted after the limit. A library call that never returns is not; a worker
    process then exits after twice the limit. Outside the main thread, and on systems without such
    timers, only the latter applies.

    Args:
        seconds: The limit.

    Raises:
        TimeLimitError: The limit has passed.
    """
    end = threading.Timer(2 * seconds, os._exit, (1,)) if _is_worker else None
    if end is not None:
        end.daemon = True
        end.start()
    try:
        in_main = threading.current_thread() is threading.main_thread()
        with _alarm(seconds) if in_main and hasattr(signal, "setitimer") else nullcontext():
            yield
    finally:
        if end is not None:
            end.cancel()


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise :class:`TimeLimitError` after some seconds, by the system's timer."""

    def stop(number: int, frame: Any) -> None:
        raise TimeLimitError

    before = signal.signal(signal.SIGALRM, stop)
    start = time.monotonic()
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        # Resume a timer that was already running.
        left = max(left - (time.monotonic() - start), 0.001) if left else 0.0
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left)


def one_thread() -> None:
    """Limit torch and OpenCV to one thread: this work runs one process per core."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _start(
    alive: Connection, initializer: Callable[..., None] | None, arguments: tuple[Any, ...]
) -> None:
    global _is_worker
    _is_worker = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    one_thread()

    def watch() -> None:
        alive.poll(None)  # until the parent closes the other end or dies
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    if initializer is not None:
        initializer(*arguments)
