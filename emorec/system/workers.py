"""Worker processes for media files: one thread each, and they end with the process they serve."""

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
    """Give a pool of processes that a Ctrl-C or a kill of this process does not leave behind.

    Left by an exception (Ctrl-C is one), what is queued is dropped and what is in work is ended,
    so what a task writes must appear whole or not at all.

    Args:
        workers: Number of processes.
        initializer: Called in each of them, with the arguments.
        arguments: Of the initializer.
    """
    context = multiprocessing.get_context("spawn")  # torch and OpenCV do not survive a fork
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
    """Work took longer than it may; no ``except Exception`` of a library keeps it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End work that takes too long: a damaged file can make a decoder run for ever.

    Python code is interrupted after the limit. A call into a library that never returns is not;
    then a worker process ends itself after twice the limit. In other threads than the main one,
    and on systems without such timers, only the latter happens.

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
    """Raise the error after some seconds, by the system's timer."""

    def stop(number: int, frame: Any) -> None:
        raise TimeLimitError

    before = signal.signal(signal.SIGALRM, stop)
    start = time.monotonic()
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        # Somebody else's timer goes on.
        left = max(left - (time.monotonic() - start), 0.001) if left else 0.0
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left)


def one_thread() -> None:
    """Limit torch and OpenCV to one thread: such work runs one process a core."""
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
        alive.poll(None)  # until its other end is closed, by the parent or by the parent's death
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    if initializer is not None:
        initializer(*arguments)
