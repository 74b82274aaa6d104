"""The memory of this process."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

SAMPLING_SECONDS = 0.002
# Parameters of glibc's mallopt; their default, and the largest that it takes of the second.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
DEFAULT_THRESHOLD, MOST_MMAP_THRESHOLD = 128 * 2**10, 32 * 2**20


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """While entered, what a step frees stays with this process for the next, which takes it again.

    To the system and back costs a step on the CPU up to a tenth of its time. Only glibc can be told so; elsewhere
    nothing changes.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if not hasattr(library, "mallopt"):  # musl
        yield
        return
    library.mallopt(M_MMAP_THRESHOLD, MOST_MMAP_THRESHOLD)
    library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield
    finally:
        library.mallopt(M_MMAP_THRESHOLD, DEFAULT_THRESHOLD)
        library.mallopt(M_TRIM_THRESHOLD, DEFAULT_THRESHOLD)
        library.malloc_trim(0)


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
