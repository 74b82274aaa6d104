"""Mains hum: narrow lines at multiples of 50 or 60 Hz that never go away."""

from __future__ import annotations

import numpy as np
import soxr

from timbre.audit.meters.meter import Block, Frames

RATE_HZ = 2000
SEGMENT_SAMPLES = 1000
HOP_SAMPLES = SEGMENT_SAMPLES // 4
BIN_HZ = RATE_HZ / SEGMENT_SAMPLES
LEAST_SEGMENTS = 5
MAINS_HZ = (50, 60)
MULTIPLES = 10
LEAST_LINES = 3
# Bins beside a line that the window widens it to, and those beyond that are its neighbourhood.
SKIRT_BINS, NEIGHBOUR_BINS = 2, 5
QUIETEST_SHARE = 0.1
# Lines must stand out of this at least: what lies under it nobody hears.
FLOOR_DBFS = -80
LOWEST_DBFS, HIGHEST_DBFS = -140, 20


class Hum:
    """Lines of mains hum in the mono sound.

    Power spectra of half a second (Hann, a bin every 2 Hz) are taken eight times a second, and of each bin the level
    that it is under in a tenth of them: notes go, also low ones, and what hums all the time stays. A line is a peak of
    these levels within 1 Hz of a multiple of 50 or 60 Hz; it stands out by its distance to the highest of the five bins
    on either side of its skirt. One of the first two multiples must be among the lines, or a low drone with partials
    in between might seem to hum. No note of the usual scale does; a drone tuned to just that pitch would.
    """

    def __init__(self, rate_hz: int) -> None:
        self._resampler = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ")
        self._frames = Frames(SEGMENT_SAMPLES, HOP_SAMPLES)
        self._window = np.hanning(SEGMENT_SAMPLES + 1)[:-1].astype(np.float32)
        self._bins = round((MULTIPLES * max(MAINS_HZ) + 20) / BIN_HZ)
        self._counts = np.zeros((self._bins, HIGHEST_DBFS - LOWEST_DBFS + 1), np.int64)

    def add(self, block: Block) -> None:
        self._take(self._resampler.resample_chunk(block.mono))

    def result(self) -> dict:
        """End the stream.

        Returns: hum_db, how far the third of the first ten multiples stands out, or the clearer of the first two if
        that is less, and 0 where there are no three; hum_hz, 50 or 60, whose multiples those are. Both NaN for under a
        second.
        """
        self._take(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
        if self._counts[0].sum() < LEAST_SEGMENTS:
            return {"hum_db": float("nan"), "hum_hz": float("nan")}
        lines = {mains_hz: self.lines_db(mains_hz) for mains_hz in MAINS_HZ}
        # Both share the multiples of 300 Hz.
        best = max(MAINS_HZ, key=lambda mains_hz: np.maximum(lines[mains_hz], 0.0).sum())
        third = np.sort(lines[best])[-LEAST_LINES]
        return {"hum_db": float(max(0.0, min(third, lines[best][:2].max()))), "hum_hz": float(best)}

    def lines_db(self, mains_hz: int) -> np.ndarray:
        """How far each of the first ten multiples stands out, in dB; under 0 where there is no line."""
        quiet = np.argmax(np.cumsum(self._counts, axis=1) >= QUIETEST_SHARE * self._counts[0].sum(), axis=1)
        levels = np.maximum(quiet + LOWEST_DBFS, FLOOR_DBFS)
        found = []
        for multiple in range(1, MULTIPLES + 1):
            place, far = round(multiple * mains_hz / BIN_HZ), SKIRT_BINS + NEIGHBOUR_BINS
            skirt = levels[place - SKIRT_BINS : place + SKIRT_BINS + 1].max()
            below, above = levels[place - far : place - SKIRT_BINS], levels[place + SKIRT_BINS + 1 : place + far + 1]
            is_peak = levels[place] >= skirt
            found.append(levels[place] - max(below.max(), above.max()) if is_peak else -1.0)
        return np.array(found, float)

    def _take(self, samples: np.ndarray) -> None:
        frames = self._frames.take(samples)
        if len(frames) == 0:
            return
        spectrum = np.fft.rfft(frames * self._window, axis=1)[:, : self._bins]
        # So that a sine of full scale is -3 dBFS.
        power = 2.0 * (spectrum.real**2 + spectrum.imag**2) / self._window.sum() ** 2
        level = np.rint(10.0 * np.log10(power + 1e-30)).clip(LOWEST_DBFS, HIGHEST_DBFS).astype(np.int64) - LOWEST_DBFS
        where = np.arange(self._bins) * self._counts.shape[1] + level
        self._counts += np.bincount(where.ravel(), minlength=self._counts.size).reshape(self._counts.shape)
