"""Sounds on disk while they are evaluated, so that their length costs no memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from timbre.audio.io import write_flac_blocks
from timbre.evaluation.metrics.spectra import pieces

# Highest peak written to a file; a sound with more is turned down.
LARGEST_PEAK = 0.999
BLOCK_SAMPLES = 1 << 18
# What is measured in one piece: longer sounds are measured in stretches of about this.
STRETCH_SECONDS = 30.0


class Stored:
    """A sound [channels, samples] float32 in an unnamed file below a folder, read back in parts."""

    def __init__(self, folder: Path, source: Iterable[np.ndarray], channels: int) -> None:
        self.channels, self.samples, self.peak = channels, 0, 0.0
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - open as long as the sound is wanted
        for piece in source:
            self._file.write(np.ascontiguousarray(piece.T, dtype=np.float32))
            self.samples += piece.shape[1]
            self.peak = max(self.peak, float(np.abs(piece).max(initial=0.0)))

    def part(self, start: int, end: int) -> np.ndarray:
        """Samples from start to end (exclusive), [channels, samples]; those beyond the sound are left out."""
        start, end = max(start, 0), min(end, self.samples)
        self._file.seek(4 * self.channels * start)
        values = np.empty((max(end - start, 0), self.channels), np.float32)
        self._file.readinto(values)
        return np.ascontiguousarray(values.T)

    def looped(self, start: int, samples: int) -> np.ndarray:
        """So many samples from a place on; the sound begins again where it ends. [channels, samples]"""
        parts, left, start = [], samples, start % self.samples
        while left > 0:
            parts.append(self.part(start, start + left))
            left, start = left - parts[-1].shape[1], 0
        return np.concatenate(parts, axis=1)

    def blocks(self) -> Iterator[np.ndarray]:
        """The whole sound in blocks [channels, samples]."""
        for start in range(0, self.samples, BLOCK_SAMPLES):
            yield self.part(start, start + BLOCK_SAMPLES)

    def stretches(self, rate_hz: int) -> list[tuple[int, int]]:
        """Starts and ends of what is measured in one piece: about 30 s each."""
        return pieces(self.samples, rate_hz, STRETCH_SECONDS)

    def write_flac(self, path: Path, rate_hz: int) -> float:
        """Write a file; returns the gain in dB that keeps it from clipping, 0 for nearly all sounds."""
        gain = min(1.0, LARGEST_PEAK / self.peak) if self.peak > 0.0 else 1.0
        write_flac_blocks(path, (block.T * gain for block in self.blocks()), rate_hz, self.channels)
        return float(20.0 * np.log10(gain))

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()
