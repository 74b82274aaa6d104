"""Clipping: runs of equal samples at the top of a signal."""

from __future__ import annotations

import numpy as np

from timbre.audit.meters.meter import Block

LEAST_RUN_SAMPLES = 3
TOP_SHARE = 0.999
LOWEST_TOP = 10.0 ** (-12.0 / 20.0)
LONGEST_WAIT_SAMPLES = 1 << 16


# Bits a sample of libsndfile's codings; what is not here has as many as it needs.
PCM_BITS = {"PCM_S8": 8, "PCM_U8": 8, "ULAW": 8, "ALAW": 8, "PCM_16": 16, "ALAC_16": 16}


class Clipping:
    """Flat tops in all channels of a recording."""

    def __init__(self, channels: int, subtype: str) -> None:
        self._counters = [ClipCounter(2.0 ** (1 - PCM_BITS.get(subtype, 24))) for _ in range(channels)]
        self._values = 0

    def add(self, block: Block) -> None:
        for counter, row in zip(self._counters, block.rows, strict=True):
            counter.add(row)
        self._values += block.rows.size

    def result(self) -> dict:
        runs, clipped = np.sum([counter.result() for counter in self._counters], axis=0)
        return {"clipped_runs": int(runs), "clipped_percent": 100.0 * int(clipped) / self._values}


class ClipCounter:
    """Counts the flat tops of one channel, block by block.

    A flat top is a run of at least 3 equal samples whose size is at least 0.999 of the largest in the channel, in a
    channel that comes up to -12 dBFS. A clean low tone has such runs too, from rounding alone: round a parabola to
    steps of size q, and where 3 samples share the top step, the next one lies at most 4 q lower and the one after it
    9 q. So a run counts only where the signal falls by more than 4.5 q one sample beside it, or by 9.5 q at two.
    """

    def __init__(self, step: float) -> None:
        """step: the smallest difference of two samples in the file, 2^(1 - bits) for linear PCM."""
        self._falls = (4.5 * step, 9.5 * step)
        self._top = 0.0
        self._tail = np.zeros(0, np.float32)
        self._runs: dict[float, tuple[int, int]] = {}

    def add(self, samples: np.ndarray) -> None:
        """Take the next samples [samples]."""
        self._scan(np.concatenate([self._tail, samples]), last=False)

    def result(self) -> tuple[int, int]:
        """End the stream; returns the number of runs and of the samples in them."""
        self._scan(self._tail, last=True)
        kept = [counts for size, counts in self._runs.items() if size >= TOP_SHARE * self._top]
        if self._top < LOWEST_TOP or not kept:
            return 0, 0
        return sum(runs for runs, _ in kept), sum(length for _, length in kept)

    def _scan(self, samples: np.ndarray, last: bool) -> None:
        if len(samples) == 0:
            return
        size = np.abs(samples)
        self._top = max(self._top, float(size.max()))
        # Whatever counts in the end is at least as large as this share of the largest sample so far.
        high = np.flatnonzero(size >= TOP_SHARE * max(self._top, LOWEST_TOP))
        new = (np.diff(high, prepend=-2) != 1) | (np.diff(samples[high], prepend=np.float32(np.nan)) != 0)
        starts = high[new]
        ends = high[np.roll(new, -1)] + 1
        whole = len(samples)
        if not last:
            # A run that lacks a right neighbour waits for the next block, unless it is absurdly long already; the
            # samples before it stay as its left neighbours.
            near = len(samples) - len(self._falls)
            while len(ends) and ends[-1] > near and whole - starts[-1] < LONGEST_WAIT_SAMPLES:
                whole = int(starts[-1])
                starts, ends = starts[:-1], ends[:-1]
            self._tail = samples[max(0, whole - len(self._falls)) :].copy()
        flat = ends - starts >= LEAST_RUN_SAMPLES
        starts, ends = starts[flat], ends[flat]
        value = samples[starts].astype(np.float64)
        flat = np.zeros(len(value), bool)
        for beside, fall in enumerate(self._falls):
            # At the ends of the sound a run is its own neighbour there, which is no fall.
            before = samples[np.maximum(starts - 1 - beside, 0)]
            after = samples[np.minimum(ends + beside, len(samples) - 1)]
            flat |= np.maximum(np.abs(value - before), np.abs(value - after)) > fall
        sizes, place = np.unique(np.abs(value[flat]), return_inverse=True)
        lengths = np.bincount(place, (ends - starts)[flat], minlength=len(sizes))
        for key, more, length in zip(sizes, np.bincount(place, minlength=len(sizes)), lengths, strict=True):
            runs, before_length = self._runs.get(float(key), (0, 0))
            self._runs[float(key)] = (runs + int(more), before_length + int(length))
