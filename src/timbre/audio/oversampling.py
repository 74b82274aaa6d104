"""What a sound comes to between its samples, found only where it can matter."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import soxr

# Samples that are judged together, and how far soxr's HQ filter reaches to either side; beyond it lies under -140 dB.
CELL_SAMPLES = 128
REACH_SAMPLES = 96
CELLS_AT_ONCE = 256
# Cells of a window, and the share of them from which soxr's FFTs on all of it are faster than products for each.
WINDOW_CELLS = 256
MANY = 0.2
# How far the interpolation of ordinary meters reaches (libebur128: a windowed sinc over 12 samples).
SHORT_SAMPLES = 6


def factor_at(rate_hz: int) -> int:
    """How many times true peak is oversampled (ITU-R BS.1770-4, annex 2): 4, and less from 96 kHz on."""
    return 4 if rate_hz < 96000 else 2 if rate_hz < 192000 else 1


class Windows:
    """Cuts a stream into windows of one length, each with a cell of what comes before and after it.

    It begins with a cell of zeros and ends with one, since a sound rings beyond its ends: what a window asks about
    starts CELL_SAMPLES before the stream. Windows do not depend on the blocks that come in.
    """

    samples = WINDOW_CELLS * CELL_SAMPLES

    def __init__(self, channels: int) -> None:
        self._held = [np.zeros((2 * CELL_SAMPLES, channels), np.float32)]
        self._length = 2 * CELL_SAMPLES

    def take(self, block: np.ndarray) -> Iterator[np.ndarray]:
        """The windows that are whole with these samples [samples, channels], each [samples + 2 cells, channels]."""
        self._held.append(block)
        self._length += len(block)
        whole = self.samples + 2 * CELL_SAMPLES
        if self._length < whole:
            return
        joined = np.concatenate(self._held)
        ends = range(whole, self._length + 1, self.samples)
        self._held = [joined[ends[-1] - 2 * CELL_SAMPLES :]]
        self._length = len(self._held[0])
        yield from (joined[end - whole : end] for end in ends)

    def rest(self) -> tuple[np.ndarray, int]:
        """The last window, of whole cells, and how many of its samples are the stream's."""
        samples = self._length - CELL_SAMPLES
        end = np.zeros((-samples % CELL_SAMPLES + 2 * CELL_SAMPLES, self._held[0].shape[1]), np.float32)
        return np.concatenate([*self._held, end]), samples


class Oversampler:
    """Values between the samples of chosen cells of a sound, by filters for places between two samples.

    A row is [(cells + 2) CELL_SAMPLES]: what is asked about, with a cell of what comes before and after it.
    """

    def __init__(self, filters: np.ndarray, factor: int, soxr_factor: int = 0) -> None:
        """filters: [places, taps] of `long_filters`, `short_filters` or both, one set after the other.

        soxr_factor: where these are soxr's own, by how many times.
        """
        self._factor = soxr_factor
        self._window = CELL_SAMPLES + 2 * REACH_SAMPLES
        self._places = len(filters)
        matrix = np.zeros((self._window, CELL_SAMPLES, self._places), np.float32)
        for sample in range(CELL_SAMPLES):
            matrix[sample : sample + filters.shape[1], sample] = filters.T
        self._matrix = matrix.reshape(self._window, CELL_SAMPLES * self._places)
        self._most, self._bend, self._rest = _bounds(filters, factor)

    def bounds(self, row: np.ndarray) -> np.ndarray:
        """What no value between the samples of a cell can exceed, [cells].

        Between two samples a sound leaves the straight line by no more than the second differences about it, weighted
        by the sizes of the filter that makes this difference of them; nor can it exceed the highest sample within the
        filter's reach times the sum of the sizes of its taps.
        """
        top = _tops(row)
        around = _about(top)
        slopes = np.diff(row)
        bends = np.empty_like(row)
        bends[0] = bends[-1] = 0.0
        np.subtract(slopes[1:], slopes[:-1], out=bends[1:-1])
        # The line goes on to the first sample of the next cell.
        line = np.maximum(top[1:-1], np.abs(row[2 * CELL_SAMPLES :: CELL_SAMPLES]))
        bent = line + self._bend * _about(_tops(bends)) + self._rest * around
        return np.minimum(bent, self._most * around)

    def sizes(self, row: np.ndarray, cells: np.ndarray) -> np.ndarray:
        """Highest size that each sample, or what follows it up to the next, comes to. [chosen cells, CELL_SAMPLES]."""
        if self._factor and len(cells) > MANY * (len(row) // CELL_SAMPLES - 2):
            between = soxr.resample(row, 1.0, self._factor, quality="HQ")
            between = np.abs(between, out=between).reshape(-1, CELL_SAMPLES, self._factor)
            return between[1:-1][cells].max(axis=2)
        windows = np.lib.stride_tricks.sliding_window_view(row[CELL_SAMPLES - REACH_SAMPLES :], self._window)
        found = np.empty((len(cells), CELL_SAMPLES), np.float32)
        for first in range(0, len(cells), CELLS_AT_ONCE):
            between = windows[CELL_SAMPLES * cells[first : first + CELLS_AT_ONCE]] @ self._matrix
            between = np.abs(between, out=between).reshape(len(between), CELL_SAMPLES, self._places)
            np.max(between, axis=2, out=found[first : first + CELLS_AT_ONCE])
        return found


@lru_cache
def long_oversampler(factor: int) -> Oversampler:
    """Resampling by a whole factor as soxr's HQ does it."""
    return Oversampler(long_filters(factor), factor, factor if factor > 1 else 0)


@lru_cache
def strict_oversampler() -> Oversampler:
    """Four times, by soxr's filter and by the short one: the higher of the two.

    soxr's falls from nine tenths of the band on, where the short one still hears; over short bursts soxr's rings more.
    """
    return Oversampler(np.concatenate([long_filters(4), short_filters(4)]), 4)


def long_filters(factor: int) -> np.ndarray:
    """soxr's HQ filter: for each of `factor` places after a sample the weights of those around it, [factor, taps]."""
    if factor == 1:
        return _polyphase(np.eye(1, 2 * REACH_SAMPLES + 1, REACH_SAMPLES)[0], 1)
    impulse = np.zeros(8 * REACH_SAMPLES)
    middle = len(impulse) // 2
    impulse[middle] = 1.0
    answer = soxr.resample(impulse, 1.0, factor, quality="HQ")
    taps = answer[factor * (middle - REACH_SAMPLES) : factor * (middle + REACH_SAMPLES) + 1]
    # It is symmetrical but for rounding.
    return _polyphase(0.5 * (taps + taps[::-1]), factor)


def short_filters(factor: int) -> np.ndarray:
    """A sinc under a Hann window of 12 samples, laid out as `long_filters`."""
    at = np.arange(-REACH_SAMPLES * factor, REACH_SAMPLES * factor + 1) / factor
    window = np.where(np.abs(at) < SHORT_SAMPLES, 0.5 + 0.5 * np.cos(np.pi * at / SHORT_SAMPLES), 0.0)
    return _polyphase(np.sinc(at) * window, factor)


def _polyphase(taps: np.ndarray, factor: int) -> np.ndarray:
    """The filter of each place, whose gain for a constant is one, of a symmetrical one at `factor` times the rate."""
    places = [taps[::factor]]
    places += [np.pad(taps[factor - place :: factor], (1, 0)) for place in range(1, factor)]
    filters = np.stack(places)
    return filters / filters.sum(axis=1, keepdims=True)


def _bounds(filters: np.ndarray, factor: int) -> tuple[float, float, float]:
    """Sums of sizes: of a filter's taps, of what makes its way off a line from second differences, of the rest."""
    off = filters.copy()
    for row, weights in enumerate(off):
        share = row % factor / factor
        weights[REACH_SAMPLES : REACH_SAMPLES + 2] -= 1.0 - share, share
    # Second differences of it, shifted by one, are `off` but for its two last taps.
    twice = np.cumsum(np.cumsum(off, axis=1), axis=1)[:, :-2]
    made = np.zeros_like(off)
    for shift, weight in enumerate((1.0, -2.0, 1.0)):
        made[:, shift : shift + twice.shape[1]] += weight * twice
    # A little more than rounding takes away.
    most, bend, rest = (1.00001 * float(np.abs(each).sum(axis=1).max()) for each in (filters, twice, off - made))
    return most, bend, rest


def _tops(row: np.ndarray) -> np.ndarray:
    """The highest size in each cell."""
    cells = row.reshape(-1, CELL_SAMPLES)
    return np.maximum(cells.max(axis=1), -cells.min(axis=1))


def _about(values: np.ndarray) -> np.ndarray:
    """The highest of each and its two neighbours, without the first and the last."""
    return np.maximum(np.maximum(values[:-2], values[2:]), values[1:-1])
