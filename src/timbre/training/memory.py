"""The memory of this process."""

from __future__ import annotations

import ctypes
import sys
import threading

import psutil

SAMPLING_SECONDS = 0.002
# Parameters of glibc's mallopt, and the largest threshold that it takes for memory mapped for itself.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
MOST_MMAP_THRESHOLD = 32 * 2**20


def keep_freed_memory() -> None:
    """Let what a step frees stay with this process for the next, which takes it again, instead of the system.

    To and fro costs a step on the CPU up to a tenth of its time. Only glibc can be told so; elsewhere nothing changes.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MOST_MMAP_THRESHOLD)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


class PeakMemory:
    """While entered, watches the memory of this process; `bytes` is its peak.

    By looking every 2 ms: the peak that the system keeps is that of the process's whole life.
    """

    def __init__(self) -> None:
        self.bytes = used_bytes()
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()

    def _watch(self) -> None:
        while True:
            self.bytes = max(self.bytes, used_bytes())
            if self._over.wait(SAMPLING_SECONDS):
                return


def used_bytes() -> int:
    """Main memory that this process holds now, without files that are mapped into it, such as a cache that is read."""
    held = psutil.Process().memory_info()
    return held.rss - getattr(held, "shared", 0)
