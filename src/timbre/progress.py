"""The progress bar of long work: share done, rate and time left."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress(
    iterable: Iterable | None = None, *, description: str, unit: str, total: float | None = None, **options: Any
) -> tqdm:
    """A tqdm bar on stderr; in a log file it prints a line every 10 seconds instead of redrawing itself."""
    interval = 0.2 if sys.stderr.isatty() else 10.0
    return tqdm(iterable, desc=description, unit=unit, total=total, mininterval=interval, dynamic_ncols=True, **options)
