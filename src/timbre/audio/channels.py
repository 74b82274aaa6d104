"""From several channels to one."""

from __future__ import annotations

import numpy as np


def to_mono(block: np.ndarray, plan: str) -> np.ndarray:
    """One channel [samples] from a block [samples, channels].

    plan: `mean` of the channels; `left` for stereo whose sides cancel each other; `mono` where there is but one.
    """
    return block.mean(axis=1) if plan == "mean" else np.ascontiguousarray(block[:, 0])
