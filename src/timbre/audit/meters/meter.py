"""What every meter of a recording is fed with, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from scipy import signal


@dataclass(frozen=True)
class Block:
    """Neighbouring samples of a recording, float32, full scale is 1.

    rows: [channels, samples], as the file has them. mono: [samples], what `channel_plan` makes of them, which is what
    a mono model learns from; of a mono file it is rows[0].
    """

    rows: np.ndarray
    mono: np.ndarray


class Meter(Protocol):
    """Takes a recording block by block, in bounded memory; blocks may be of any length."""

    def add(self, block: Block) -> None:
        """Take the next samples."""

    def result(self) -> dict:
        """End the stream. Returns: columns of `timbre.audio.table` with their values."""


class Frames:
    """Cuts a stream [samples] into frames of `length` samples, one every `hop`; what is left over waits."""

    def __init__(self, length: int, hop: int | None = None) -> None:
        self._length, self._hop = length, hop or length
        self._rest = np.zeros(0, np.float32)

    def take(self, samples: np.ndarray) -> np.ndarray:
        """The frames that are whole with these samples, [frames, length]; possibly a view, to be read only."""
        samples = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        if len(samples) < self._length:
            self._rest = samples.copy()
            return np.zeros((0, self._length), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(samples, self._length)[:: self._hop]
        self._rest = samples[len(frames) * self._hop :].copy()
        return frames

    def rest(self) -> np.ndarray:
        """What no frame has held yet, [samples]."""
        return self._rest


@cache
def hann(samples: int) -> np.ndarray:
    """Periodic Hann window [samples] float32, made once: making it takes longer than using it on a short file."""
    window = signal.get_window("hann", samples).astype(np.float32)
    window.setflags(write=False)
    return window
