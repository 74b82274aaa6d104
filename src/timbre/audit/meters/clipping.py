"""Clipping: runs of equal samples at the top of a signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from timbre.audio.loudness import decibels
from timbre.audit.meters.bits import EffectiveBits
from timbre.audit.meters.meter import Block

LEAST_RUN_SAMPLES = 3
TOP_SHARE = 0.999
LOWEST_TOP = 10.0 ** (-12.0 / 20.0)
LONGEST_WAIT_SAMPLES = 1 << 16
# Steps that the next sample, and the one after it, may lie under a top that rounding made flat.
FALLS_STEPS = (4.5, 9.5)


class Clipping:
    """Flat tops in all channels of a recording."""

    def __init__(self, rate_hz: int, bits: EffectiveBits) -> None:
        """bits: fed with the same blocks; it knows in the end in what steps the channels were stored."""
        self._rate_hz, self._bits = rate_hz, bits
        self._counters = [ClipCounter(2.0 ** (1 - bits.file_bits)) for _ in range(bits.channels)]
        self._values = 0

    def add(self, block: Block) -> None:
        for counter, row in zip(self._counters, block.rows, strict=True):
            counter.add(row)
        self._values += block.rows.size

    def result(self) -> dict:
        """End the stream.

        Returns: clipped_runs and clipped_percent of all channels; clipped_at_seconds, where the longest run begins, and
        clip_level_dbfs, the highest level at which a channel is cut off, both NaN without runs.
        """
        steps = [2.0 ** (1 - bits) for bits in self._bits.of_channels()]
        found = [counter.result(step) for counter, step in zip(self._counters, steps, strict=True)]
        clipped = sum(tops.samples for tops in found)
        worst = max(found, key=lambda tops: tops.longest)
        return {
            "clipped_runs": sum(tops.runs for tops in found),
            "clipped_percent": 100.0 * clipped / self._values,
            "clipped_at_seconds": worst.at / self._rate_hz if worst.runs else float("nan"),
            "clip_level_dbfs": float(decibels(max(tops.size for tops in found))) if worst.runs else float("nan"),
        }


@dataclass
class Tops:
    """Flat tops of one size: how many, their samples, those of the longest, and the sample at which that begins."""

    runs: int = 0
    samples: int = 0
    longest: int = 0
    at: int = 0
    size: float = 0.0

    def join(self, other: Tops) -> None:
        """Add those of another size, or later ones of the same."""
        self.runs, self.samples = self.runs + other.runs, self.samples + other.samples
        if (other.longest, -other.at) > (self.longest, -self.at):
            self.longest, self.at = other.longest, other.at
        self.size = max(self.size, other.size)


class ClipCounter:
    """Counts the flat tops of one channel, block by block.

    A flat top is a run of at least 3 equal samples that are the highest in the channel, or the lowest, to a step, in a
    channel that comes up to -12 dBFS. A clean low tone has such runs too, from rounding alone: round a parabola to
    steps of size q, and where 3 samples share the top step, the next one lies at most 4 q lower and the one after it
    9 q. So a run counts only where the signal falls by more than 4.5 q one sample beside it, or by 9.5 q at two.
    """

    def __init__(self, step: float) -> None:
        """step: the smallest difference of two samples in the file, 2^(1 - bits) for linear PCM."""
        self._step = step
        # The highest sample, and the lowest upside down.
        self._high, self._low = 0.0, 0.0
        self._tail = np.zeros(0, np.float32)
        self._taken = 0
        # By value, and by the exponent of the largest step with which a run would count.
        self._tops: dict[tuple[float, int], Tops] = {}

    def add(self, samples: np.ndarray) -> None:
        """Take the next samples [samples]."""
        self._taken += len(samples)
        self._scan(np.concatenate([self._tail, samples]), last=False)

    def result(self, step: float) -> Tops:
        """End the stream; returns all flat tops together.

        step: that in which the sound was stored at some time, if that is larger than the file's.
        """
        self._scan(self._tail, last=True)
        step = max(step, self._step)
        all_of_them = Tops()
        for (value, largest_step), tops in sorted(self._tops.items()):
            top = self._high if value > 0.0 else self._low
            fits = step == self._step or 2.0**largest_step >= step
            if fits and top >= LOWEST_TOP and tops.size >= top - 1.5 * step:
                all_of_them.join(tops)
        return all_of_them

    def _scan(self, samples: np.ndarray, last: bool) -> None:
        if len(samples) == 0:
            return
        taken = len(samples)
        self._high, self._low = max(self._high, float(samples.max())), max(self._low, -float(samples.min()))
        # Whatever counts in the end is at least as large as this share of the largest sample so far.
        high = samples >= np.float32(TOP_SHARE * max(self._high, LOWEST_TOP))
        high = np.flatnonzero(high | (samples <= -np.float32(TOP_SHARE * max(self._low, LOWEST_TOP))))
        new = (np.diff(high, prepend=-2) != 1) | (np.diff(samples[high], prepend=np.float32(np.nan)) != 0)
        starts = high[new]
        ends = high[np.roll(new, -1)] + 1
        whole = len(samples)
        if not last:
            # A run that lacks a right neighbour waits for the next block, unless it is absurdly long already; the
            # samples before it stay as its left neighbours.
            near = len(samples) - len(FALLS_STEPS)
            while len(ends) and ends[-1] > near and whole - starts[-1] < LONGEST_WAIT_SAMPLES:
                whole = int(starts[-1])
                starts, ends = starts[:-1], ends[:-1]
            self._tail = samples[max(0, whole - len(FALLS_STEPS)) :].copy()
        flat = ends - starts >= LEAST_RUN_SAMPLES
        starts, ends = starts[flat], ends[flat]
        value = samples[starts].astype(np.float64)
        largest_step = np.zeros(len(value))
        for beside, fall in enumerate(FALLS_STEPS):
            # At the ends of the sound a run is its own neighbour there, which is no fall.
            before = samples[np.maximum(starts - 1 - beside, 0)]
            after = samples[np.minimum(ends + beside, len(samples) - 1)]
            steps = np.maximum(np.abs(value - before), np.abs(value - after)) / fall
            largest_step = np.maximum(largest_step, steps)
        flat = largest_step > self._step
        if not flat.any():
            return
        starts, lengths = starts[flat] + self._taken - taken, (ends - starts)[flat]
        keys = np.stack([value[flat], np.floor(np.log2(largest_step[flat]))], axis=1)
        kinds, place = np.unique(keys, axis=0, return_inverse=True)
        for number, (top, exponent) in enumerate(kinds):
            own = np.flatnonzero(place.ravel() == number)
            longest = own[lengths[own].argmax()]
            more = Tops(len(own), int(lengths[own].sum()), int(lengths[longest]), int(starts[longest]), abs(float(top)))
            self._tops.setdefault((float(top), int(exponent)), Tops()).join(more)
