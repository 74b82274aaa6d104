"""Work on many sound files at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from joblib import Parallel, delayed

from timbre.errors import UserError


def for_each(function: Callable[..., Any], arguments: Sequence[tuple]) -> Iterator[Any]:
    """Results of `function(*arguments[i])` in order, while others are still being worked on.

    The environment's TIMBRE_JOBS says how many run at once; all cores by default. Threads do: decoding, resampling,
    filtering and hashing all leave Python's lock, and no process has to start.
    Raises: UserError where TIMBRE_JOBS is no positive whole number.
    """
    told = os.environ.get("TIMBRE_JOBS", "").strip()
    if told and (not told.isdecimal() or int(told) < 1):
        raise UserError(f"TIMBRE_JOBS={told} (environment) is not legal. Write a whole number from 1 on, or unset it.")
    jobs = max(1, min(int(told) if told else _cores(), len(arguments)))
    yield from Parallel(n_jobs=jobs, prefer="threads", return_as="generator")(
        delayed(function)(*each) for each in arguments
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch work in one thread, here and in threads begun within: for work that runs side by side already, or whose
    bits may not change with the number of cores.
    """
    import torch  # here, since most that runs side by side takes no torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
