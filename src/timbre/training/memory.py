"""The memory of this process."""

from __future__ import annotations

import threading

import psutil

SAMPLING_SECONDS = 0.002


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
    """Main memory that this process holds now."""
    return psutil.Process().memory_info().rss
