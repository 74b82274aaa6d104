"""Work on many sound files at once: in threads, in processes, or on the machines of a Dask cluster."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

from timbre.audio.pools import Pool, Processes, Threads
from timbre.errors import UserError

# By joblib's names.
BACKENDS = ("threading", "loky", "dask")
# From so much work on, processes are worth the seconds that they take to start: threads share Python's lock.
MANY = 50
# What a batch of many small calls should take.
BATCH_SECONDS = 0.25


def for_each(function: Callable[..., Any], arguments: Iterable[tuple]) -> Iterator[Any]:
    """Results of `function(*each)` for each of the arguments, in their order, while others are still being worked on.

    The environment says where. TIMBRE_JOBLIB_BACKEND is `threading`, `loky` (processes) or `dask`: a cluster, whose
    scheduler's address is in TIMBRE_DASK_SCHEDULER. By default it is processes for fifty calls and more, threads
    for fewer. TIMBRE_JOBS is the number of threads or processes; all cores by default. The results are the same
    anywhere. Function, arguments and results must be picklable; paths among the arguments may be relative, and must
    lead to something that is there.

    Arguments are taken as results are read, but for the first fifty: at most two batches a worker, and one, are under
    way or wait to be read.
    The window is ours and not `joblib.Parallel`'s, which goes on working however slowly its results are read (the
    cache's writer is one process, a cluster many), and whose Dask backend waits for ever on a worker that was killed.

    Raises: UserError where the environment is not legal or the cluster not in order; and what `function` raises, when
    all other work has stopped.
    """
    arguments = iter(arguments)
    told, jobs = os.environ.get("TIMBRE_JOBLIB_BACKEND", "").strip(), _jobs()
    if told and told not in BACKENDS:
        raise UserError(
            f"TIMBRE_JOBLIB_BACKEND={told} (environment) is not legal. Write one of {', '.join(BACKENDS)}, or unset it."
        )
    first = list(islice(arguments, MANY))
    if not first:
        return
    backend = told or ("loky" if len(first) == MANY and jobs > 1 else "threading")
    if backend == "dask":
        from timbre.audio.cluster import Cluster  # here, since hardly anybody needs it, and it takes a second

        pool: Pool = Cluster()
    else:
        # No more workers than there is work.
        pool = {"threading": Threads, "loky": Processes}[backend](min(jobs, len(first)))
    yield from _in_order(pool, function, chain(first, arguments))


def _in_order(pool: Pool, function: Callable[..., Any], arguments: Iterator[tuple]) -> Iterator[Any]:
    """A window over the arguments, which moves on as results are read."""
    waiting: deque = deque()
    size = 1
    try:
        while True:
            while len(waiting) < pool.window() and (batch := list(islice(arguments, size))):
                waiting.append(pool.submit(function, batch))
            if not waiting:
                return
            results, seconds = pool.result(waiting[0])
            waiting.popleft()
            size = max(1, min(pool.most, int(BATCH_SECONDS * len(results) / max(seconds, 1e-6))))
            yield from results
    finally:
        pool.close(waiting)


def _jobs() -> int:
    told = os.environ.get("TIMBRE_JOBS", "").strip()
    if told and (not told.isdecimal() or int(told) < 1):
        raise UserError(f"TIMBRE_JOBS={told} (environment) is not legal. Write a whole number from 1 on, or unset it.")
    return int(told) if told else _cores()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
