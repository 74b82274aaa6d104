"""Sample rate conversion: soxr, whose aliases lie over 130 dB down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr


def resample(samples: np.ndarray, from_hz: int, to_hz: int, quality: str = "VHQ") -> np.ndarray:
    """Convert samples [samples] or [samples, channels] from one rate in Hz to another; the same rate is a no-op."""
    if from_hz == to_hz:
        return samples
    return soxr.resample(samples, from_hz, to_hz, quality=quality)


def resample_blocks(
    source: Iterable[np.ndarray], from_hz: int, to_hz: int, channels: int = 1, quality: str = "VHQ"
) -> Iterator[np.ndarray]:
    """Convert a stream of float32 blocks; joined, the result equals `resample` of the joined blocks.

    source: blocks [samples] (mono) or [samples, channels].
    """
    if from_hz == to_hz:
        yield from source
        return
    stream = soxr.ResampleStream(from_hz, to_hz, channels, dtype="float32", quality=quality)
    rest = np.zeros((0, channels), np.float32)
    for block in source:
        yield stream.resample_chunk(block)
        rest = block[:0]
    yield stream.resample_chunk(rest, last=True)
