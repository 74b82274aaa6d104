"""How often a run is kept on disk."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

LEAST_SECONDS = 30.0
# The most that keeping may take of the time, where TIMBRE_CHECKPOINT_SECONDS does not say how often.
MOST_SHARE = 0.01


class Keeping:
    """Calls `save` for a step no more often than is worth it. step: of the checkpoint that there is, 0 for none."""

    def __init__(self, save: Callable[[], None], step: int) -> None:
        fixed = os.environ.get("TIMBRE_CHECKPOINT_SECONDS")
        self.fixed_seconds = float(fixed) if fixed else None
        self.pause_seconds = LEAST_SECONDS if self.fixed_seconds is None else self.fixed_seconds
        self.save, self.step, self.kept_at = save, step, time.monotonic()

    def now(self, step: int) -> None:
        """Keep a step, if it is not yet kept."""
        if step == self.step:
            return
        begun = time.monotonic()
        self.save()
        self.step, self.kept_at = step, time.monotonic()
        if self.fixed_seconds is None:
            self.pause_seconds = max(LEAST_SECONDS, (self.kept_at - begun) / MOST_SHARE)

    def when_due(self, step: int) -> None:
        """Keep a step, if the last that was kept is long ago."""
        if time.monotonic() - self.kept_at >= self.pause_seconds:
            self.now(step)
