"""Workers on this machine: threads or processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

from timbre.audio.work import run_batch
from timbre.errors import UserError

# One thread for each of several processes; what is read when numpy loads.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Pool(Protocol):
    """Workers that take batches of calls."""

    # The most calls in a batch: what it costs to hand one over is paid for so many.
    most: int

    def window(self) -> int:
        """How many batches may be under way or done and not yet read."""

    def submit(self, function: Callable[..., Any], batch: list[tuple]) -> Any:
        """Hand over a batch; see `run_batch`. Returns: what `result` takes."""

    def result(self, job: Any) -> tuple[list, float]:
        """Wait for a batch: its results, and the seconds they took. Raises: what was raised in it."""

    def close(self, unread: Iterable[Any]) -> None:
        """Stop the batches whose results nobody will read, and let the workers go."""


class Threads:
    """Threads of this process."""

    most = 1

    def __init__(self, jobs: int) -> None:
        self._jobs, self._stop = jobs, threading.Event()
        self._executor = ThreadPoolExecutor(jobs)

    def window(self) -> int:
        return 2 * self._jobs + 1

    def submit(self, function: Callable[..., Any], batch: list[tuple]) -> Future:
        return self._executor.submit(run_batch, function, batch, self._stop.is_set)

    def result(self, job: Future) -> tuple[list, float]:
        return job.result()

    def close(self, unread: Iterable[Future]) -> None:
        self._stop.set()
        # Who made a folder for what the workers write may remove it as soon as this returns.
        self._executor.shutdown(wait=True, cancel_futures=True)


class Processes:
    """Processes of this machine, kept for the next who asks."""

    most = 16

    def __init__(self, jobs: int) -> None:
        from joblib.externals.loky import get_reusable_executor

        self._jobs = jobs
        self._executor = get_reusable_executor(max_workers=jobs, env=ONE_THREAD)

    def window(self) -> int:
        return 2 * self._jobs + 1

    def submit(self, function: Callable[..., Any], batch: list[tuple]) -> Future:
        return self._executor.submit(run_batch, function, batch)

    def result(self, job: Future) -> tuple[list, float]:
        try:
            return job.result()
        except BrokenProcessPool:
            raise UserError(
                "A worker process was ended from outside, mostly for want of memory. Set TIMBRE_JOBS (environment) to "
                f"less than {self._jobs}, or TIMBRE_JOBLIB_BACKEND=threading: threads take less of it."
            ) from None

    def close(self, unread: Iterable[Future]) -> None:
        if unread:
            self._executor.shutdown(kill_workers=True)
