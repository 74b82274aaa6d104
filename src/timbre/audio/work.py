"""What a worker does, wherever it is: a batch of calls, until nobody wants them any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_worker = threading.local()


class Unwanted(Exception):
    """Raised in a worker whose results nobody waits for any more."""


def run_batch(
    function: Callable[..., Any], batch: list[tuple], stopped: Callable[[], bool] = lambda: False
) -> tuple[list, float]:
    """Results of `function(*each)` for a batch, and the seconds they took.

    stopped: asked before each call and within (see `keep_going`), whether all this is in vain by now.
    """
    begun, results = time.perf_counter(), []
    _worker.stopped = stopped
    try:
        for each in batch:
            keep_going()
            results.append(function(*each))
    finally:
        _worker.stopped = None
    return results, time.perf_counter() - begun


def keep_going() -> None:
    """For long work to call now and then: ends it where this thread works for others who have stopped."""
    stopped = getattr(_worker, "stopped", None)
    if stopped is not None and stopped():
        raise Unwanted


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch work in one thread, here and in threads begun within.

    For work that runs side by side already, or whose bits may not change with the number of cores.
    """
    import torch  # here, since most that runs side by side takes no torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
