"""How much of the time a training waits for its crops."""

from __future__ import annotations

import time
from collections.abc import Callable

from timbre.cache.feed import Feed
from timbre.cache.resident import resident_bytes

# From which share on something should be done, and not before so many seconds: the first crops are always waited for.
MUCH = 0.1
LEAST_SECONDS = 20.0


class Waiting:
    """Entered while crops are waited for; `share` is how much of the time since the first went by with that."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.begun_at = self._since = time.perf_counter()
        self._waited, self._told = 0.0, False

    def __enter__(self) -> Waiting:
        self._since = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self._waited += time.perf_counter() - self._since

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self._waited / max(1e-9, time.perf_counter() - self.begun_at)

    def tell(self, say: Callable[[str], None]) -> None:
        """Say once, where it is much, what to change."""
        if self._told or self.share < MUCH or time.perf_counter() - self.begun_at < LEAST_SECONDS:
            return
        self._told = True
        size = resident_bytes(self.feed.crops) / 1e9
        crops = self.feed.crops
        say(
            f"train: {self.share:.0%} of the time is spent waiting for data, which is read from disk. Put data/cache "
            f"on a local SSD, or give the machine more free memory than the {size:.3g} GB of sound"
            + (", half of which on the GPU would hold it all" if crops.device.type == "cuda" else "")
            + "; a larger model or batch waits less too."
        )
