"""Loudness after ITU-R BS.1770-4 and EBU Tech 3342, true peak by oversampling; whole sounds or streams of blocks."""

from __future__ import annotations

import numpy as np
from pyloudnorm.iirfilter import IIRfilter
from scipy.signal import sosfilt

from timbre.audio.oversampling import CELL_SAMPLES, Windows, factor_at, long_oversampler

STEPS_PER_SECOND = 100
SEGMENT_STEPS = 10
MOMENTARY_SECONDS = 0.4
SHORT_TERM_SECONDS = 3.0
ABSOLUTE_GATE_LUFS = -70.0
CHANNEL_WEIGHTS = (1.0, 1.0, 1.0, 1.41, 1.41)


class LoudnessMeter:
    """K-weighted energy in steps of 10 ms of every channel of a stream (ITU-R BS.1770-4, annex 1).

    The standard's 0.4 s blocks with 75 % overlap are four segments of ten steps each, the 3 s blocks of EBU Tech 3342
    are thirty, and the highest loudness of EBU Tech 3341 is sought at every step, so one filter pass serves all.
    Coefficients after B. De Man, "Evaluation of implementations of the EBU R128 loudness measurement" (AES 145, 2018):
    equal to libebur128's at any rate, where pyloudnorm's default lies 0.04 LU low.
    """

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz, self._samples, self._steps = rate_hz, 0, 0
        self._sections = np.array([_section(rate_hz, *design) for design in DE_MAN])
        self._state = np.zeros((2, channels, 2))
        self._sums = [np.zeros((channels, 0))]
        self._open = np.zeros(channels)

    def add(self, samples: np.ndarray) -> None:
        """Take the next samples [samples, channels]."""
        if len(samples) == 0:
            return
        # One contiguous row per channel: many times faster than columns.
        weighted, self._state = sosfilt(self._sections, np.ascontiguousarray(samples.T, np.float64), zi=self._state)
        np.square(weighted, out=weighted)
        end = self._samples + len(samples)
        edges = self._edges(self._steps + 1, end * STEPS_PER_SECOND // self._rate_hz + 2)
        edges = edges[edges <= end] - self._samples
        sums = np.add.reduceat(weighted, [0, *edges[edges < len(samples)]], axis=1)
        sums[:, 0] += self._open
        self._open = np.zeros(len(sums)) if sums.shape[1] == len(edges) else sums[:, -1].copy()
        self._sums.append(sums[:, : len(edges)])
        self._samples, self._steps = end, self._steps + len(edges)

    def energies(self) -> np.ndarray:
        """Mean square of the whole 100 ms segments so far, [segments, channels]."""
        segments = self._steps // SEGMENT_STEPS
        sums = self._all_sums()[:, : segments * SEGMENT_STEPS]
        sums = sums.reshape(len(sums), segments, SEGMENT_STEPS).sum(axis=2)
        return (sums / np.diff(self._edges(0, segments * SEGMENT_STEPS + 1)[::SEGMENT_STEPS])).T

    def integrated_lufs(self, weights: np.ndarray) -> float:
        """Gated loudness in LUFS of the channels, each weighted by its place in `weights`; -inf for silence.

        A sound shorter than one 0.4 s gating block is taken as one block of its own length.
        """
        blocks = _sliding_mean(self.energies() @ weights, _segments(MOMENTARY_SECONDS))
        if self._samples and len(blocks) == 0:
            blocks = np.array([(self._all_sums().sum(axis=1) + self._open) @ weights / self._samples])
        blocks = blocks[blocks >= _energy(ABSOLUTE_GATE_LUFS)]
        if len(blocks) == 0:
            return float("-inf")
        # The relative gate lies 10 LU under the mean of what passed the absolute one.
        return float(_lufs(np.mean(blocks[blocks > 0.1 * np.mean(blocks)])))

    def loudness_range_lu(self, weights: np.ndarray) -> float:
        """Loudness range in LU (EBU Tech 3342): 10th to 95th percentile of gated short-term loudness; NaN if none."""
        blocks = _sliding_mean(self.energies() @ weights, _segments(SHORT_TERM_SECONDS))
        blocks = blocks[blocks >= _energy(ABSOLUTE_GATE_LUFS)]
        if len(blocks) == 0:
            return float("nan")
        blocks = blocks[blocks >= 0.01 * np.mean(blocks)]
        return float(np.diff(np.percentile(_lufs(blocks), (10.0, 95.0)))[0])

    def loudest_lufs(self, seconds: float, weights: np.ndarray) -> float:
        """Highest loudness in LUFS over `seconds` (EBU Tech 3341: 0.4 momentary, 3 short-term), sought every 10 ms.

        -inf for silence, NaN for a sound that is shorter.
        """
        length = round(seconds * STEPS_PER_SECOND)
        if self._steps < length:
            return float("nan")
        sums = np.cumsum(np.concatenate([[0.0], weights @ self._all_sums()]))
        edges = self._edges(0, self._steps + 1)
        loudest = ((sums[length:] - sums[:-length]) / (edges[length:] - edges[:-length])).max()
        # What a running sum leaves of silence after sound is rounding.
        return float(_lufs(loudest)) if loudest > 1e-15 * sums[-1] else float("-inf")

    def _edges(self, first: int, last: int) -> np.ndarray:
        """Sample at which each step from `first` up to but not `last` begins."""
        return np.rint(np.arange(first, last) * (self._rate_hz / STEPS_PER_SECOND)).astype(np.int64)

    def _all_sums(self) -> np.ndarray:
        self._sums = [np.concatenate(self._sums, axis=1)]
        return self._sums[0]


class PeakMeter:
    """True peak of every channel of a stream (ITU-R BS.1770-4, annex 2): oversampled 4 times, less from 96 kHz on.

    Only what may exceed the highest peak so far is oversampled (see `timbre.audio.oversampling`).
    """

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._oversampler = long_oversampler(factor_at(rate_hz))
        self._windows = Windows(channels)
        self._peaks = np.zeros(channels, np.float32)
        self._done, self._at = -CELL_SAMPLES, np.zeros(channels, np.int64)

    def add(self, samples: np.ndarray) -> None:
        """Take the next samples [samples, channels]."""
        for window in self._windows.take(samples):
            self._search(window)

    def peaks_dbtp(self) -> np.ndarray:
        """End the stream; highest peak per channel in dBTP, -inf for silence."""
        self._search(self._windows.rest()[0])
        return decibels(self._peaks.astype(np.float64))

    def seconds(self) -> np.ndarray:
        """Where the highest peak of each channel lies (the first of equal ones), in seconds from the start."""
        return np.maximum(self._at, 0) / self._rate_hz

    def _search(self, window: np.ndarray) -> None:
        for channel, row in enumerate(np.ascontiguousarray(window.T, np.float32)):
            bounds = self._oversampler.bounds(row)
            if bounds.max() <= self._peaks[channel]:
                continue
            order, tried, most = np.argsort(-bounds, kind="stable"), 0, 4
            # The most promising first: what they come to leaves few others.
            while len(cells := order[tried : tried + most][bounds[order[tried : tried + most]] > self._peaks[channel]]):
                sizes = self._oversampler.sizes(row, cells)
                self._keep(channel, sizes.max(axis=1), self._done + CELL_SAMPLES * cells + sizes.argmax(axis=1))
                tried, most = tried + len(cells), len(order)
        self._done += self._windows.samples

    def _keep(self, channel: int, sizes: np.ndarray, at: np.ndarray) -> None:
        highest = sizes.max()
        if highest > self._peaks[channel]:
            self._peaks[channel], self._at[channel] = highest, at[sizes == highest].min()


def integrated_lufs(samples: np.ndarray, rate_hz: int) -> float:
    """Gated integrated loudness in LUFS (BS.1770-4); -inf for silence.

    samples: [samples] or [samples, channels], up to 5 channels in the standard's order (L, R, C, Ls, Rs). A sound
    shorter than the 0.4 s gating block is measured as one block of its own length.
    """
    meter, weights = _metered(samples, rate_hz)
    return meter.integrated_lufs(weights)


def loudness_range_lu(samples: np.ndarray, rate_hz: int) -> float:
    """Loudness range in LU (EBU Tech 3342); NaN where the sound is under 3 s or silent."""
    meter, weights = _metered(samples, rate_hz)
    return meter.loudness_range_lu(weights)


def true_peak_dbtp(samples: np.ndarray, rate_hz: int) -> float:
    """Highest peak between samples over all channels in dBTP (BS.1770-4 annex 2); -inf for silence."""
    samples = samples[:, None] if samples.ndim == 1 else samples
    meter = PeakMeter(rate_hz, samples.shape[1])
    meter.add(samples)
    return float(meter.peaks_dbtp().max())


def decibels(amplitude: np.ndarray | float) -> np.ndarray:
    """20 log10 of an amplitude, -inf at 0."""
    with np.errstate(divide="ignore"):
        return 20.0 * np.log10(np.abs(amplitude))


# Kind, gain in dB, Q, corner in Hz of the two K-weighting filters.
DE_MAN = (
    ("high_shelf_DeMan", 3.99984385397, 0.7071752369554193, 1681.9744509555319),
    ("high_pass_DeMan", 0.0, 0.5003270373253953, 38.13547087613982),
)


def _section(rate_hz: int, kind: str, gain_db: float, q: float, corner_hz: float) -> np.ndarray:
    designed = IIRfilter(gain_db, q, corner_hz, rate_hz, kind)
    return np.concatenate([designed.b, designed.a]) / designed.a[0]


def _metered(samples: np.ndarray, rate_hz: int) -> tuple[LoudnessMeter, np.ndarray]:
    samples = samples[:, None] if samples.ndim == 1 else samples
    meter = LoudnessMeter(rate_hz, samples.shape[1])
    for first in range(0, len(samples), 1 << 19):
        meter.add(samples[first : first + (1 << 19)])
    return meter, np.array(CHANNEL_WEIGHTS[: samples.shape[1]])


def _sliding_mean(energies: np.ndarray, length: int) -> np.ndarray:
    """Mean of every `length` neighbouring segments, [segments - length + 1]."""
    if len(energies) < length:
        return np.zeros(0)
    return np.lib.stride_tricks.sliding_window_view(energies, length).mean(axis=1)


def _lufs(energy: np.ndarray | float) -> np.ndarray:
    """BS.1770-4, equation 2."""
    return -0.691 + 10.0 * np.log10(energy)


def _segments(seconds: float) -> int:
    return round(seconds * STEPS_PER_SECOND / SEGMENT_STEPS)


def _energy(lufs: float) -> float:
    return 10.0 ** ((lufs + 0.691) / 10.0)
