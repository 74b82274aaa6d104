"""From the channels of a recording to those of the model."""

from __future__ import annotations

import numpy as np


def to_mono(block: np.ndarray, plan: str) -> np.ndarray:
    """One channel [samples] from a block [samples, channels].

    plan: `mean` of the channels; `left` for stereo whose sides cancel each other; `mono` where there is but one.
    """
    return block.mean(axis=1) if plan == "mean" else np.ascontiguousarray(block[:, 0])


def to_channels(block: np.ndarray, plan: str, channels: int) -> np.ndarray:
    """1 or 2 channels [samples, channels] from a block [samples, any].

    plan: `stereo` takes the first two; what `to_mono` knows is the same sound in every channel.
    """
    if plan == "stereo":
        return np.ascontiguousarray(block[:, :2])
    one = to_mono(block, plan)[:, None]
    return one if channels == 1 else np.repeat(one, channels, axis=1)
