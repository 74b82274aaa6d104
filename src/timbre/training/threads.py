"""How many threads a step on the CPU is quickest with, found by trying, since more are often slower."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from timbre.files import read_json, write_json

MOST_SECONDS = 30.0
# The most that trying may take of the time that the run will take.
MOST_SHARE = 0.02
# What as many threads as there are cores may take more than fewer do, before fewer are taken: that much is noise.
CLEARLY = 0.9


def use_best_threads(steps: Callable[[], int], to_come: int, memory: Path) -> None:
    """Try a few numbers of threads for at most 30 seconds, set the best, and say what was found.

    steps: takes some steps without a trace, and returns how many. to_come: steps of the run that are left. memory: a
    file that remembers the number. Threads share out sums, so their number shows in the last bits of a result; so that
    it is the same when a run goes on or is done again, what was found for a run once is kept for it. With
    OMP_NUM_THREADS set, nothing is tried.
    """
    all_threads = torch.get_num_threads()
    if "OMP_NUM_THREADS" in os.environ or all_threads == 1:
        return
    if memory.exists():
        threads = read_json(memory)["threads"]
        print(f"train: {threads} threads, found when this run was first begun", flush=True)
        torch.set_num_threads(threads)
        return
    candidates = [all_threads]
    while candidates[-1] > 1:
        candidates.append(candidates[-1] // 2)
    begun = time.perf_counter()
    first = _step_seconds(steps, 0.0)  # not like the others: libraries look for their ways
    passed = time.perf_counter() - begun
    if passed * (1 + len(candidates)) > MOST_SECONDS:
        return
    budget = min(MOST_SECONDS - passed, MOST_SHARE * first * to_come) / len(candidates)
    seconds = {}
    for threads in candidates:
        torch.set_num_threads(threads)
        seconds[threads] = _step_seconds(steps, budget)
    best = min(seconds, key=seconds.__getitem__)
    if seconds[best] > CLEARLY * seconds[all_threads]:
        best = all_threads
    torch.set_num_threads(best)
    memory.parent.mkdir(parents=True, exist_ok=True)
    write_json(memory, {"threads": best})
    tried = ", ".join(f"{threads}: {value:.2g} s" for threads, value in sorted(seconds.items()))
    print(
        f"train: {best} thread{'s' if best > 1 else ''}, by trial (a step with {tried}). OMP_NUM_THREADS fixes it.",
        flush=True,
    )


def _step_seconds(steps: Callable[[], int], budget: float) -> float:
    """Median time of a step, over as many tries as fit into so many seconds, at least one."""
    tries, begun = [], time.perf_counter()
    while not tries or time.perf_counter() - begun < budget:
        at = time.perf_counter()
        count = steps()
        tries.append((time.perf_counter() - at) / count)
    return statistics.median(tries)
