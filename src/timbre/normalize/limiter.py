"""A look-ahead limiter of true peaks: what stands out for a moment is turned down smoothly, all else is left alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from scipy.ndimage import maximum_filter1d

from timbre.audio.oversampling import CELL_SAMPLES, Windows, strict_oversampler

LOOK_AHEAD_SECONDS = 0.0015
# A reduction stays for half a period of the lowest notes, whose waves it would bend, and then falls to 1/e in the time
# of the release.
HOLD_SECONDS = 0.01
RELEASE_SECONDS = 0.1
# What is limited comes this much under the ceiling, because a gain that moves makes peaks of its own.
MARGIN_DB = 0.1
# It falls towards this much under nothing, so that it comes to an end.
BELOW_DB = 0.05


class Limiter:
    """Holds a stream's true peak (oversampled 4 times) under a ceiling, all channels by one gain.

    Where the sound between samples passes the ceiling it asks for a reduction in dB. The highest that is asked within
    the look-ahead holds until the peak is over and a while longer, is then released exponentially, and smoothed by a
    Hann window of three quarters of the look-ahead: so the full reduction is there a quarter before the peak, reached
    without a corner. The sound is not late, since what is to come is waited for. The stream is worked on in blocks of
    its own, so that what comes out does not depend on those that come in.
    """

    def __init__(self, rate_hz: int, channels: int, ceiling_dbtp: float, most_db: float) -> None:
        """most_db: the most by which anything is turned down, whatever the ceiling says."""
        self._rate_hz, self._channels = rate_hz, channels
        self._ceiling, self._ceiling_dbtp, self._most_db = 10.0 ** (ceiling_dbtp / 20.0), ceiling_dbtp, most_db
        self._oversampler = strict_oversampler()
        self._ahead = max(4, round(LOOK_AHEAD_SECONDS * rate_hz))
        self._held = round(HOLD_SECONDS * rate_hz)
        # Early enough that the gain is steady wherever filters that look for the peak hear much of it.
        early = max(12, self._ahead // 4)
        window = np.hanning(self._ahead - early + 3)[1:-1]
        self._window = window / window.sum()
        self._falls = np.arange(1, Windows.samples + CELL_SAMPLES + self._ahead + 1) / (RELEASE_SECONDS * rate_hz)
        # What is asked for and not yet worked off, what is released and not yet smoothed.
        self._asked, self._released = np.zeros(self._held), np.zeros(len(self._window) - 1)
        # A sound may start with a peak, and even rings before it starts.
        self._done = -CELL_SAMPLES
        self._spans: list[list[float]] = []
        self.peak_dbtp = float("-inf")

    def through(self, stream: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The blocks of a stream [samples, channels] float32, limited; joined they are as long as what came in."""
        windows = Windows(self._channels)
        waiting = np.zeros((0, self._channels), np.float32)
        for window, needed, samples in self._heard(stream, windows):
            reduction = self._reduction(needed)
            waiting = np.concatenate([waiting, window[CELL_SAMPLES : CELL_SAMPLES + samples]])
            # The cell before the start is no part of the sound.
            first = max(0, len(reduction) - self._done)
            yield _reduced(waiting[first : len(reduction)], reduction[first:])
            waiting = waiting[len(reduction) :]

    def spans(self) -> list[tuple[float, float, float]]:
        """Where the sound was turned down: start and end in seconds, most reduction there in dB."""
        return [(max(0, first) / self._rate_hz, last / self._rate_hz, most) for first, last, most in self._spans]

    def _heard(self, stream: Iterable[np.ndarray], windows: Windows) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
        """Windows of the stream, the reduction that their samples need, and how many samples are the stream's."""
        for block in stream:
            for window in windows.take(block):
                yield window, self._needed(window), windows.samples
        window, samples = windows.rest()
        # Past the end what rings on may need something, and all that waits comes out.
        yield window, self._needed(window)[: samples + self._ahead], samples

    def _needed(self, window: np.ndarray) -> np.ndarray:
        """The reduction in dB that each sample of a window asks for, without its margins, 0 or more."""
        sizes = np.zeros((len(window) // CELL_SAMPLES - 2, CELL_SAMPLES))
        for row in np.ascontiguousarray(window.T):
            cells = np.flatnonzero(self._oversampler.bounds(row) > self._ceiling)
            if len(cells):
                sizes[cells] = np.maximum(sizes[cells], self._oversampler.sizes(row, cells))
        needed = np.zeros(sizes.size)
        over = np.flatnonzero(sizes.reshape(-1) > self._ceiling)
        if len(over):
            level_dbtp = 20.0 * np.log10(sizes.reshape(-1)[over])
            self.peak_dbtp = max(self.peak_dbtp, float(level_dbtp.max()))
            needed[over] = np.minimum(level_dbtp - self._ceiling_dbtp + MARGIN_DB, self._most_db)
        return needed

    def _reduction(self, needed: np.ndarray) -> np.ndarray:
        """The next of the smooth reduction in dB; it lies `ahead` samples behind what is needed."""
        asked = np.concatenate([self._asked, needed])
        count = len(asked) - self._held - self._ahead
        if count <= 0:
            self._asked = asked
            return np.zeros(0)
        self._asked = asked[count:]
        self._done += count
        if not asked.any() and not self._released.any():
            return np.zeros(count)
        span = self._held + 1 + self._ahead
        held = maximum_filter1d(asked, span, origin=0)[span // 2 :][:count]
        released = np.concatenate([self._released, self._release(held)])
        self._released = released[count:]
        reduction = np.convolve(released, self._window, mode="valid")
        self._note(reduction, self._done - count)
        return reduction

    def _release(self, held: np.ndarray) -> np.ndarray:
        """What is held, and an exponential fall after it: y[n] + b = max(held[n] + b, a (y[n - 1] + b))."""
        falls = self._falls[: len(held)]
        # In logarithms, and with the fall taken out, it is a running maximum.
        risen = np.log(np.concatenate([self._released[-1:], held]) + BELOW_DB)
        risen[1:] += falls
        released = np.exp(np.maximum.accumulate(risen)[1:] - falls) - BELOW_DB
        # Rounding alone is no reduction.
        released[released < 1e-9] = 0.0
        return released

    def _note(self, reduction: np.ndarray, start: int) -> None:
        limited = np.diff((reduction > 0.0).astype(np.int8), prepend=0, append=0)
        for first, last in zip(np.flatnonzero(limited > 0), np.flatnonzero(limited < 0), strict=True):
            most = float(reduction[first:last].max())
            if self._spans and self._spans[-1][1] == start + first:
                self._spans[-1][1:] = start + last, max(most, self._spans[-1][2])
            else:
                self._spans.append([start + first, start + last, most])


def _reduced(samples: np.ndarray, reduction_db: np.ndarray) -> np.ndarray:
    if not reduction_db.any():
        return samples
    return samples * (10.0 ** (reduction_db / -20.0)).astype(np.float32)[:, None]
