"""Stopping between two steps, where everything fits together, and not in the middle of one."""

from __future__ import annotations

import signal
from types import FrameType


class Stopped(Exception):
    """A stop was asked for while something was being looked at that a resumed run will look at again."""


class StopRequest:
    """While entered, Ctrl-C (SIGINT) and SIGTERM only set `requested`; a second Ctrl-C stops at once.

    A second SIGTERM is no impatience: some schedulers send it to a process and to its group. Outside the main thread,
    where signals cannot be caught, it does nothing.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> StopRequest:
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        except ValueError:
            pass
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise Stopped where a stop was asked for."""
        if self.requested:
            raise Stopped

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
