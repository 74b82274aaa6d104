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


def sound_progress(seconds: float, description: str) -> tqdm:
    """A bar that counts seconds of sound."""
    bar_format = "{desc}: {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} s of sound [{elapsed}<{remaining}]"
    return progress(total=seconds, description=description, unit="s", bar_format=bar_format)
